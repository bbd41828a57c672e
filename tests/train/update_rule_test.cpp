// Our one-pass optimisers against LibTorch's, and Muon against its definition.
#include "train/optim/update_rule.hpp"

#include <torch/torch.h>

#include <cmath>
#include <numbers>

#include "support/refusal.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
using torch::Tensor;

namespace {

std::unique_ptr<UpdateRule> rule_of(const std::string& toml, const std::vector<Tensor>& parameters) {
  Recipe recipe = Recipe::parse(toml, "rule.toml");
  auto rule = make_update_rule(recipe, "rule", parameters);
  recipe.check_all_read();
  return rule;
}

/// Shapes and layouts that networks have: a channels_last convolution, a matrix, a vector.
std::vector<Tensor> parameters() {
  torch::manual_seed(5);
  return {torch::randn({20, 17, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast), torch::randn({33, 18}),
          torch::randn({7})};
}

void compare(const std::string& toml, torch::optim::Optimizer& twin, std::vector<Tensor>& theirs) {
  std::vector<Tensor> ours = parameters();
  const auto rule = rule_of(toml, ours);
  const torch::NoGradGuard no_grad;
  for (std::int64_t step = 1; step <= 20; ++step) {
    for (std::size_t i = 0; i < ours.size(); ++i) {
      torch::manual_seed(100 * step + static_cast<std::int64_t>(i));
      // Gradients come in any layout.
      const Tensor gradient = torch::randn(ours[i].sizes()) * (step % 3 == 0 ? 1e-4 : 1.0);
      rule->update(i, ours[i], gradient, {.count = step, .rate = 0.01});
      theirs[i].mutable_grad() = gradient.clone();
    }
    twin.step();
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(i);
    CHECK((ours[i] - theirs[i]).abs().max().item<double>() < 1e-5);
    CHECK_FALSE(torch::allclose(ours[i], parameters()[i]));
  }
}

}  // namespace

TEST_CASE("update rules: Adam, AdamW and RMSprop do what LibTorch's do") {
  std::vector<Tensor> theirs = parameters();
  torch::optim::Adam adam(theirs, torch::optim::AdamOptions(0.01).betas({0.5, 0.9}).weight_decay(0.1).eps(1e-6));
  compare("[rule]\ntype = \"adam\"\nbeta1 = 0.5\nbeta2 = 0.9\nweight_decay = 0.1\neps = 1e-6\n", adam, theirs);
  theirs = parameters();
  torch::optim::AdamW adamw(theirs, torch::optim::AdamWOptions(0.01).betas({0.9, 0.99}).weight_decay(0.1));
  compare("[rule]\ntype = \"adamw\"\nweight_decay = 0.1\n", adamw, theirs);
  theirs = parameters();
  torch::optim::RMSprop rmsprop(theirs, torch::optim::RMSpropOptions(0.01).alpha(0.95).weight_decay(0.1));
  compare("[rule]\ntype = \"rmsprop\"\nalpha = 0.95\nweight_decay = 0.1\n", rmsprop, theirs);
}

TEST_CASE("update rules: annealed moments are Adam's whose betas someone sets anew before every step") {
  std::vector<Tensor> ours = parameters(), theirs = parameters();
  Recipe recipe =
      Recipe::parse("[rule]\nbeta1 = 0.0\nbeta2 = 0.9\n[anneal]\nrule.beta1 = 0.5\nrule.beta2 = 0.99\n", "rule.toml");
  const auto rule = make_update_rule(recipe, "rule", ours, 10);
  recipe.check_all_read();
  torch::optim::Adam adam(theirs, torch::optim::AdamOptions(0.01));
  auto& options = static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options());
  const torch::NoGradGuard no_grad;
  for (std::int64_t step = 0; step < 15; ++step) {
    // cos^2(x/2) = (1 + cos x) / 2, from step 10 on the end.
    const double left = std::pow(std::cos(std::numbers::pi * std::min(1.0, static_cast<double>(step) / 10) / 2), 2);
    options.betas({0.5 - 0.5 * left, 0.99 - 0.09 * left});
    for (std::size_t i = 0; i < ours.size(); ++i) {
      torch::manual_seed(100 * step + static_cast<std::int64_t>(i));
      const Tensor gradient = torch::randn(ours[i].sizes());
      rule->update(i, ours[i], gradient, {.count = step + 1, .step = step, .rate = 0.01});
      theirs[i].mutable_grad() = gradient.clone();
    }
    adam.step();
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CAPTURE(i);
    CHECK((ours[i] - theirs[i]).abs().max().item<double>() < 1e-5);
  }
}

TEST_CASE("update rules: Muon moves matrices by nearly orthogonal steps of Adam's size, vectors as Adam does") {
  std::vector<Tensor> values = parameters();
  const auto muon = rule_of("[rule]\ntype = \"muon\"\n", values);
  const auto adam = rule_of("[rule]\ntype = \"adam\"\n", values);
  std::vector<Tensor> twins = parameters();
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Tensor gradient = torch::randn(values[i].sizes());
    muon->update(i, values[i], gradient, {.rate = 0.01});
    adam->update(i, twins[i], gradient, {.rate = 0.01});
    const Tensor moved = (parameters()[i] - values[i]) / 0.01;
    if (i == 2) {
      CHECK(torch::equal(values[i], twins[i]));
      continue;
    }
    const Tensor matrix = moved.contiguous().flatten(1);
    const double size = 0.2 * std::sqrt(static_cast<double>(std::max(matrix.size(0), matrix.size(1))));
    const Tensor singular = std::get<1>(torch::svd(matrix)) / size;
    CHECK(singular.max().item<double>() < 1.3);
    CHECK(singular.min().item<double>() > 0.5);
    // Downhill.
    CHECK((moved * gradient).sum().item<double>() > 0);
  }
}

TEST_CASE("update rules: the state goes on where it was saved, and misfits are refused") {
  for (const char* type : {"adam", "adamw", "rmsprop", "muon"}) {
    CAPTURE(type);
    const std::string toml = std::string("[rule]\ntype = \"") + type + "\"\n";
    std::vector<Tensor> straight = parameters(), resumed = parameters();
    const auto one = rule_of(toml, straight), first = rule_of(toml, resumed), second = rule_of(toml, resumed);
    const torch::NoGradGuard no_grad;
    for (std::int64_t step = 1; step <= 6; ++step) {
      if (step == 4) second->restore(first->state(), "state");
      for (std::size_t i = 0; i < straight.size(); ++i) {
        torch::manual_seed(step * 10 + static_cast<std::int64_t>(i));
        const Tensor gradient = torch::randn(straight[i].sizes());
        one->update(i, straight[i], gradient, {.count = step, .rate = 0.01});
        (step < 4 ? first : second)->update(i, resumed[i], gradient, {.count = step, .rate = 0.01});
      }
    }
    for (std::size_t i = 0; i < straight.size(); ++i) CHECK(torch::equal(straight[i], resumed[i]));
    says(refusal(ErrorKind::model, [&] { second->restore({}, "file"); }), {"file", "missing or misshapen"});
  }
}
