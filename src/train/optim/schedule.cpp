#include "ganvas/train/schedule.hpp"

#include <algorithm>

#include "ganvas/core/annealed.hpp"

namespace ganvas {

double Schedule::factor(std::int64_t step) const {
  double value = 1.0;
  const double progress = static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(steps, 1));
  switch (kind) {
    case Kind::constant:
      break;
    case Kind::cosine:
      value = floor + (1.0 - floor) * half_cosine(progress);
      break;
    case Kind::multistep:
      for (const auto milestone : milestones) value *= step >= milestone ? gamma : 1.0;
      break;
    case Kind::linear:
      if (step > decay_from && steps > decay_from)
        value = std::max(0.0, static_cast<double>(steps - step) / static_cast<double>(steps - decay_from));
      break;
  }
  if (step < warm_up) value *= static_cast<double>(step + 1) / static_cast<double>(warm_up);
  return value;
}

Schedule Schedule::from_recipe(Recipe& recipe, const std::string& prefix, std::int64_t steps) {
  Schedule schedule;
  const std::string kind = recipe.choice(prefix + ".schedule", "cosine", {"constant", "cosine", "multistep", "linear"});
  schedule.steps = steps;
  // A shorter trial of a recipe need not change its warm-up and the beginning of its decay too.
  schedule.warm_up = std::min(recipe.integer(prefix + ".warm_up", 0, 0), steps);
  if (kind == "cosine") {
    schedule.kind = Kind::cosine;
    schedule.floor = recipe.number(prefix + ".floor", 0.0, 0.0, 1.0);
  } else if (kind == "multistep") {
    schedule.kind = Kind::multistep;
    schedule.milestones = recipe.integers(prefix + ".milestones", {steps / 2, steps * 3 / 4});
    schedule.gamma = recipe.number(prefix + ".gamma", 0.5, 0.0, 1.0);
  } else if (kind == "linear") {
    schedule.kind = Kind::linear;
    schedule.decay_from = std::min(recipe.integer(prefix + ".decay_from", steps / 2, 0), steps);
  }
  return schedule;
}

}  // namespace ganvas
