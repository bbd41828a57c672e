#include "ganvas/loss/adversarial.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"

namespace ganvas {

using torch::Tensor;

LabelOptions LabelOptions::from_recipe(Recipe& recipe, const std::string& prefix) {
  LabelOptions labels;
  labels.real = recipe.number(prefix + ".real", labels.real, 0.5, 1.0);
  labels.fake = recipe.number(prefix + ".fake", labels.fake, 0.0, 0.5);
  labels.noise = recipe.number(prefix + ".noise", labels.noise, 0.0, 0.5);
  labels.flip = recipe.number(prefix + ".flip", labels.flip, 0.0, 0.5);
  return labels;
}

namespace {

Tensor softplus(const Tensor& x) { return torch::softplus(x); }
Tensor lower(const Tensor& x) { return torch::softplus(-x); }
Tensor identity(const Tensor& x) { return x; }
Tensor minus(const Tensor& x) { return -x; }

/// What each real picture's logits are above its fake's.
Tensor pairs(const Tensor& real, const Tensor& fake) {
  if (real.sizes() != fake.sizes())
    fail(ErrorKind::recipe, "adversarial.loss: relativistic-pairing needs real and fake pictures of one size");
  return real - fake;
}

enum class Relative { no, average, pairing };

/// One target a picture, to be broadcast over its logits; undefined stands for exactly `base`.
Tensor targets(const Tensor& logits, double base, double inward, const LabelOptions& labels) {
  if (labels.noise == 0 && labels.flip == 0) return {};
  std::vector<std::int64_t> shape(static_cast<std::size_t>(logits.dim()), 1);
  shape[0] = logits.size(0);
  const auto options = logits.options().dtype(torch::kFloat);
  Tensor target = base + inward * labels.noise * torch::rand(shape, options);
  if (labels.flip > 0) target = torch::where(torch::rand(shape, options) < labels.flip, 1 - target, target);
  return target;
}

}  // namespace

struct AdversarialLoss::Kind {
  std::string name;
  Tensor (*positive)(const Tensor&);   ///< cost of a logit that should be real
  Tensor (*negative)(const Tensor&);   ///< cost of a logit that should be fake
  Tensor (*generator)(const Tensor&);  ///< what the generator minimises; unused by the relativistic kinds
  Relative relative = Relative::no;

  /// Mean cost for targets `target`, or the number `base` where that is undefined.
  Tensor cost(const Tensor& x, const Tensor& target, double base) const {
    if (target.defined()) return (target * positive(x) + (1 - target) * negative(x)).mean();
    if (base == 1) return positive(x).mean();
    if (base == 0) return negative(x).mean();
    return base * positive(x).mean() + (1 - base) * negative(x).mean();
  }

  static const std::vector<Kind>& all() {
    static const std::vector<Kind> kinds{
        {"minimax", lower, softplus, [](const Tensor& x) { return -torch::softplus(x); }},
        {"non-saturating", lower, softplus, lower},
        {"least-squares", [](const Tensor& x) { return (x - 1).square(); }, [](const Tensor& x) { return x.square(); },
         [](const Tensor& x) { return (x - 1).square(); }},
        {"hinge", [](const Tensor& x) { return torch::relu(1 - x); },
         [](const Tensor& x) { return torch::relu(1 + x); }, minus},
        {"wasserstein", minus, identity, minus},
        {"relativistic-average", lower, softplus, lower, Relative::average},
        {"relativistic-pairing", lower, softplus, lower, Relative::pairing},
    };
    return kinds;
  }
};

const std::vector<std::string>& adversarial_losses() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& kind : AdversarialLoss::Kind::all()) all.push_back(kind.name);
    return all;
  }();
  return names;
}

const AdversarialLoss::Kind& AdversarialLoss::find(const std::string& name) {
  for (const auto& kind : Kind::all())
    if (kind.name == name) return kind;
  fail(ErrorKind::recipe, "unknown adversarial loss '{}'; known: {}", name, fmt::join(adversarial_losses(), ", "));
}

AdversarialLoss::AdversarialLoss(const std::string& kind) : kind_(find(kind)) {}

bool AdversarialLoss::needs_real() const { return kind_.relative != Relative::no; }

Tensor AdversarialLoss::for_discriminator(const Tensor& real_logits, const Tensor& fake_logits,
                                          const LabelOptions& labels) const {
  const Tensor real = real_logits.to(torch::kFloat), fake = fake_logits.to(torch::kFloat);
  const Tensor real_target = targets(real, labels.real, -1, labels);
  if (kind_.relative == Relative::pairing) return kind_.cost(pairs(real, fake), real_target, labels.real);
  const Tensor fake_target = targets(fake, labels.fake, 1, labels);
  if (kind_.relative == Relative::average)
    return 0.5 * (kind_.cost(real - fake.mean(), real_target, labels.real) +
                  kind_.cost(fake - real.mean(), fake_target, labels.fake));
  return kind_.cost(real, real_target, labels.real) + kind_.cost(fake, fake_target, labels.fake);
}

Tensor AdversarialLoss::for_generator(const Tensor& real_logits, const Tensor& fake_logits) const {
  const Tensor fake = fake_logits.to(torch::kFloat);
  if (kind_.relative == Relative::no) return kind_.generator(fake).mean();
  const Tensor real = real_logits.to(torch::kFloat);
  if (kind_.relative == Relative::pairing) return kind_.negative(pairs(real, fake)).mean();
  return 0.5 * (kind_.negative(real - fake.mean()).mean() + kind_.positive(fake - real.mean()).mean());
}

}  // namespace ganvas
