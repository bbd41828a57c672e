#include "train/optim/update_rule.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/annealed.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/vector_clones.hpp"

namespace ganvas {

std::vector<torch::Tensor> UpdateRule::slot(const std::string& name, const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> tensors;
  for (const auto& parameter : parameters) tensors.push_back(torch::zeros_like(parameter).detach());
  slots_.emplace_back(name, tensors);
  return tensors;
}

void UpdateRule::reset() {
  for (auto& [name, tensors] : slots_)
    for (auto& tensor : tensors) tensor.zero_();
}

StateDict UpdateRule::state() const {
  StateDict state;
  for (const auto& [name, tensors] : slots_)
    for (std::size_t i = 0; i < tensors.size(); ++i) state.set(fmt::format("{}.{}", i, name), tensors[i]);
  return state;
}

void UpdateRule::restore(const StateDict& state, const std::string& name) {
  const torch::NoGradGuard no_grad;
  for (auto& [slot, tensors] : slots_)
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::string key = fmt::format("{}.{}", i, slot);
      const torch::Tensor* stored = state.find(key);
      if (!stored || stored->sizes() != tensors[i].sizes())
        fail(ErrorKind::model, "{}: the optimiser's state '{}' is missing or misshapen", name, key);
      tensors[i].copy_(*stored);
    }
}

namespace {

/// The parameters that `take` chooses; an empty tensor in the place of each other.
template <typename Take>
std::vector<torch::Tensor> only(const std::vector<torch::Tensor>& parameters, Take take) {
  std::vector<torch::Tensor> chosen;
  for (const auto& parameter : parameters) chosen.push_back(take(parameter) ? parameter : torch::zeros({0}));
  return chosen;
}

/// Whether one pass over raw memory may do it: the same dense layout everywhere, fp32, on the CPU.
bool same_memory(std::initializer_list<torch::Tensor> tensors) {
  const torch::Tensor& first = *tensors.begin();
  return std::all_of(tensors.begin(), tensors.end(), [&](const torch::Tensor& tensor) {
    return tensor.device().is_cpu() && tensor.scalar_type() == torch::kFloat && tensor.is_non_overlapping_and_dense() &&
           tensor.strides() == first.strides();
  });
}

struct AdamOptions {
  Annealed beta1 = 0.9, beta2 = 0.99;
  double eps = 1e-8, decay = 0;
  bool decoupled = false;
};

/// What one update of Adam does with every value, as its factors.
struct AdamFactors {
  float keep, decay, blend1, beta2, blend2, size, root, eps;
};

GANVAS_VECTOR_CLONES
void adam_pass(float* p, float* m, float* v, const float* g, std::int64_t count, AdamFactors f) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = g[i] + f.decay * p[i];
    m[i] += f.blend1 * (value - m[i]);
    v[i] = f.beta2 * v[i] + f.blend2 * value * value;
    p[i] = f.keep * p[i] - f.size * m[i] / (std::sqrt(v[i]) * f.root + f.eps);
  }
}

/// Adam and AdamW. LibTorch's own pass ten times over the weights, where one pass is bound by memory already.
class AdamRule : public UpdateRule {
 public:
  AdamRule(const AdamOptions& options, const std::vector<torch::Tensor>& parameters)
      : options_(options), first_(slot("first", parameters)), second_(slot("second", parameters)) {}

  void update(std::size_t index, torch::Tensor parameter, const torch::Tensor& gradient,
              const Moment& moment) override {
    const double rate = moment.rate, count = static_cast<double>(moment.count);
    const double beta1 = options_.beta1.at(moment.step), beta2 = options_.beta2.at(moment.step);
    const double correction1 = 1 - std::pow(beta1, count), correction2 = 1 - std::pow(beta2, count);
    const double keep = options_.decoupled ? 1 - rate * options_.decay : 1.0;
    const double decay = options_.decoupled ? 0.0 : options_.decay;
    torch::Tensor first = first_[index], second = second_[index];
    torch::Tensor slope = gradient;
    if (slope.strides() != parameter.strides()) slope = torch::empty_like(parameter).copy_(gradient);
    if (!same_memory({parameter, slope, first, second})) {
      if (decay != 0) slope = slope + decay * parameter;
      if (keep != 1.0) parameter.mul_(keep);
      first.lerp_(slope, 1 - beta1);
      second.mul_(beta2).addcmul_(slope, slope, 1 - beta2);
      parameter.addcdiv_(first, (second / correction2).sqrt_().add_(options_.eps), -rate / correction1);
      return;
    }
    const AdamFactors factors{.keep = static_cast<float>(keep),
                              .decay = static_cast<float>(decay),
                              .blend1 = static_cast<float>(1 - beta1),
                              .beta2 = static_cast<float>(beta2),
                              .blend2 = static_cast<float>(1 - beta2),
                              .size = static_cast<float>(rate / correction1),
                              .root = static_cast<float>(1 / std::sqrt(correction2)),
                              .eps = static_cast<float>(options_.eps)};
    float* p = parameter.data_ptr<float>();
    float* m = first.data_ptr<float>();
    float* v = second.data_ptr<float>();
    const float* g = slope.data_ptr<float>();
    constexpr std::int64_t least = 1 << 15;  // values a thread
    at::parallel_for(0, parameter.numel(), least, [=](std::int64_t begin, std::int64_t end) {
      adam_pass(p + begin, m + begin, v + begin, g + begin, end - begin, factors);
    });
  }

 private:
  AdamOptions options_;
  std::vector<torch::Tensor> first_, second_;  ///< handles on the slots
};

class RmspropRule final : public UpdateRule {
 public:
  RmspropRule(double alpha, double eps, double decay, const std::vector<torch::Tensor>& parameters)
      : alpha_(alpha), eps_(eps), decay_(decay), second_(slot("second", parameters)) {}

  void update(std::size_t index, torch::Tensor parameter, const torch::Tensor& gradient,
              const Moment& moment) override {
    const torch::Tensor slope = decay_ != 0 ? gradient + decay_ * parameter : gradient;
    torch::Tensor second = second_[index];
    second.mul_(alpha_).addcmul_(slope, slope, 1 - alpha_);
    parameter.addcdiv_(slope, second.sqrt().add_(eps_), -moment.rate);
  }

 private:
  double alpha_, eps_, decay_;
  std::vector<torch::Tensor> second_;
};

/// The nearest orthogonal matrix, roughly: all singular values end near 1 (Jordan et al. 2024).
torch::Tensor orthogonalised(torch::Tensor matrix) {
  const bool tall = matrix.size(0) > matrix.size(1);
  if (tall) matrix = matrix.t();
  torch::Tensor x = matrix / (matrix.norm() + 1e-7);
  for (int i = 0; i < 5; ++i) {
    const torch::Tensor gram = x.mm(x.t());
    const torch::Tensor polynomial = torch::addmm(gram, gram, gram, -4.7750, 2.0315);
    x = torch::addmm(x, polynomial, x, 3.4445);
  }
  return tall ? x.t() : x;
}

class MuonRule final : public AdamRule {
 public:
  MuonRule(double momentum, const AdamOptions& options, const std::vector<torch::Tensor>& parameters)
      : AdamRule(options, only(parameters, [](const torch::Tensor& p) { return !takes_matrix(p); })),
        momentum_(momentum),
        buffers_(slot("momentum", only(parameters, takes_matrix))) {}

  void update(std::size_t index, torch::Tensor parameter, const torch::Tensor& gradient,
              const Moment& moment) override {
    if (!takes_matrix(parameter)) return AdamRule::update(index, parameter, gradient, moment);
    torch::Tensor buffer = buffers_[index];
    buffer.lerp_(gradient, 1 - momentum_);
    const torch::Tensor ahead = torch::lerp(gradient, buffer, momentum_);  // Nesterov's look ahead
    const torch::Tensor matrix = ahead.contiguous().flatten(1);
    const double size = 0.2 * std::sqrt(static_cast<double>(std::max(matrix.size(0), matrix.size(1))));
    parameter.add_(orthogonalised(matrix).reshape(parameter.sizes()), -moment.rate * size);
  }

 private:
  /// Layers that read a picture or write one, and vectors, stay with Adam.
  static bool takes_matrix(const torch::Tensor& parameter) {
    return parameter.dim() >= 2 && parameter.size(0) >= 16 && parameter.size(1) >= 16;
  }

  double momentum_;
  std::vector<torch::Tensor> buffers_;
};

}  // namespace

const std::vector<std::string>& update_rules() {
  static const std::vector<std::string> names{"adam", "adamw", "rmsprop", "muon"};
  return names;
}

std::unique_ptr<UpdateRule> make_update_rule(Recipe& recipe, const std::string& prefix,
                                             const std::vector<torch::Tensor>& parameters, double anneal_steps) {
  const std::string type = recipe.choice(prefix + ".type", "adam", update_rules());
  const double eps = recipe.number(prefix + ".eps", 1e-8, 0.0, 1.0);
  const double decay = recipe.number(prefix + ".weight_decay", 0.0, 0.0, 1.0);
  if (type == "rmsprop")
    return std::make_unique<RmspropRule>(recipe.number(prefix + ".alpha", 0.99, 0.0, 1.0), eps, decay, parameters);
  AdamOptions options{.eps = eps, .decay = decay, .decoupled = type == "adamw"};
  options.beta1 = Annealed::from_recipe(recipe, prefix + ".beta1", 0.9, 0.0, 1.0, anneal_steps);
  options.beta2 = Annealed::from_recipe(recipe, prefix + ".beta2", 0.99, 0.0, 1.0, anneal_steps);
  if (type == "muon")
    return std::make_unique<MuonRule>(recipe.number(prefix + ".momentum", 0.95, 0.0, 1.0), options, parameters);
  return std::make_unique<AdamRule>(options, parameters);
}

}  // namespace ganvas
