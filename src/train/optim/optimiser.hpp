#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "ganvas/core/annealed.hpp"
#include "ganvas/core/recipe.hpp"
#include "ganvas/train/schedule.hpp"
#include "train/optim/update_rule.hpp"

namespace ganvas {

/// One phase's optimiser with its schedule and clipping, from the recipe's table [optimiser.<phase>]:
/// type and what belongs to it (update_rule.hpp), lr, clip (largest gradient norm, 0: none), schedule... lr, beta1 and
/// beta2 may be annealed, over `anneal_steps` steps.
class Optimiser {
 public:
  Optimiser(Recipe& recipe, const std::string& phase, std::vector<torch::Tensor> parameters, std::int64_t steps,
            double anneal_steps);

  void zero_grad();
  /// Clips and updates with the rate of `step` times `factor`. Returns the gradient norm before clipping; where that is
  /// no finite number, the parameters stay as they were.
  double step(std::int64_t step, double factor = 1);
  /// As if there had been no update yet.
  void reset();
  double rate(std::int64_t step) const { return rate_.at(step) * schedule_.factor(step); }
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }

  /// All that the next step depends on, apart from the parameters.
  StateDict state() const;
  /// Throws Error(model) when it doesn't fit.
  void restore(const StateDict& state, const std::string& name);

 private:
  std::vector<torch::Tensor> parameters_;
  std::unique_ptr<UpdateRule> rule_;
  torch::Tensor updates_;  ///< how many there were, one whole number
  Annealed rate_;
  double clip_;
  Schedule schedule_;
};

}  // namespace ganvas
