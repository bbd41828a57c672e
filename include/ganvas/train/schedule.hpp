#pragma once

#include <cstdint>
#include <vector>

#include "ganvas/core/recipe.hpp"

namespace ganvas {

/// Learning rate over the steps of a run, as a factor of the optimiser's rate. A pure function of the step.
struct Schedule {
  enum class Kind {
    constant,
    cosine,     ///< half a cosine from 1 to `floor` (Loshchilov and Hutter 2017, one period)
    multistep,  ///< times `gamma` at each milestone
    linear,     ///< 1 until `decay_from`, then a straight line to 0 at the end (CycleGAN)
  };
  Kind kind = Kind::constant;
  std::int64_t steps = 1;
  std::int64_t warm_up = 0;  ///< the factor grows linearly over the first steps
  double floor = 0;
  double gamma = 0.5;
  std::vector<std::int64_t> milestones;
  std::int64_t decay_from = 0;

  double factor(std::int64_t step) const;
  /// Reads `prefix`.schedule, .warm_up, .floor, .milestones, .gamma, .decay_from.
  static Schedule from_recipe(Recipe& recipe, const std::string& prefix, std::int64_t steps);
};

}  // namespace ganvas
