#pragma once

#include <torch/optim/optimizer.h>

#include <memory>
#include <string>
#include <vector>

#include "ganvas/core/recipe.hpp"
#include "ganvas/train/schedule.hpp"

namespace ganvas {

/// One phase's optimiser with its schedule and clipping, from the recipe's table [optimiser.<phase>]:
/// type (adam, adamw, rmsprop), lr, beta1, beta2, eps, weight_decay, clip (largest gradient norm, 0: none), schedule...
class Optimiser {
 public:
  Optimiser(Recipe& recipe, const std::string& phase, std::vector<torch::Tensor> parameters, std::int64_t steps);

  void zero_grad();
  /// Clips, sets the rate of `step` and updates. Returns the gradient norm before clipping; where that is no finite
  /// number, the parameters stay as they were.
  double step(std::int64_t step);
  double rate(std::int64_t step) const { return rate_ * schedule_.factor(step); }
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }

  /// All of the optimiser's state as bytes.
  torch::Tensor state() const;
  /// Throws Error(model) when the bytes don't fit.
  void restore(const torch::Tensor& bytes, const std::string& name);

 private:
  std::vector<torch::Tensor> parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimiser_;
  double rate_, clip_;
  Schedule schedule_;
};

}  // namespace ganvas
