#include "train/optim/optimiser.hpp"

#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "ganvas/core/error.hpp"

namespace ganvas {

Optimiser::Optimiser(Recipe& recipe, const std::string& phase, std::vector<torch::Tensor> parameters,
                     std::int64_t steps, double anneal_steps)
    : parameters_(std::move(parameters)), updates_(torch::zeros({1}, torch::kLong)) {
  const std::string prefix = "optimiser." + phase;
  rate_ = Annealed::from_recipe(recipe, prefix + ".lr", 2e-4, 0.0, 1e6, anneal_steps);
  clip_ = recipe.number(prefix + ".clip", 0.0, 0.0, 1e12);
  rule_ = make_update_rule(recipe, prefix, parameters_, anneal_steps);
  schedule_ = Schedule::from_recipe(recipe, prefix, steps);
  if (rate_.moves() && schedule_.kind != Schedule::Kind::constant)
    fail(ErrorKind::recipe,
         "{}: anneal.{}.lr and {}.schedule are two ways to move one rate; it takes schedule = \"constant\"",
         recipe.name(), prefix, prefix);
}

void Optimiser::zero_grad() {
  for (auto& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
}

double Optimiser::step(std::int64_t step, double factor) {
  const torch::NoGradGuard no_grad;
  const double limit = clip_ > 0 ? clip_ : std::numeric_limits<double>::infinity();
  const double norm = torch::nn::utils::clip_grad_norm_(parameters_, limit);
  if (!std::isfinite(norm)) return norm;
  updates_.add_(1);
  const auto count = updates_.item<std::int64_t>();
  const UpdateRule::Moment moment{.count = count, .step = step, .rate = rate(step) * factor};
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].grad().defined()) rule_->update(i, parameters_[i], parameters_[i].grad(), moment);
  return norm;
}

void Optimiser::reset() {
  updates_.zero_();
  rule_->reset();
}

StateDict Optimiser::state() const {
  StateDict state = rule_->state();
  state.set("updates", updates_);
  return state;
}

void Optimiser::restore(const StateDict& state, const std::string& name) {
  const torch::Tensor* updates = state.find("updates");
  if (!updates || updates->numel() != 1) fail(ErrorKind::model, "{}: the optimiser's state can't be read", name);
  updates_.copy_(updates->reshape({1}));
  rule_->restore(state, name);
}

}  // namespace ganvas
