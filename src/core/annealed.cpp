#include "ganvas/core/annealed.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ganvas {

double half_cosine(double progress) {
  return 0.5 * (1.0 + std::cos(std::numbers::pi * std::clamp(progress, 0.0, 1.0)));
}

Annealed Annealed::from_recipe(Recipe& recipe, const std::string& key, double fallback, double low, double high,
                               double steps) {
  const double first = recipe.number(key, fallback, low, high);
  return {first, recipe.optional_number("anneal." + key, low, high).value_or(first), steps};
}

double Annealed::at(std::int64_t step) const {
  if (!moves()) return first_;
  const double progress = steps_ > 0 ? static_cast<double>(step) / steps_ : 1.0;
  return last_ + (first_ - last_) * half_cosine(progress);
}

}  // namespace ganvas
