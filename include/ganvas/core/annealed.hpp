#pragma once

#include <cstdint>
#include <string>

#include "ganvas/core/recipe.hpp"

namespace ganvas {

/// Half a cosine from 1 to 0, for `progress` from 0 to 1; beyond these it stays as it is at the ends.
double half_cosine(double progress);

/// A number of a recipe that may move while the run goes on, from where its key says to where the same key below
/// [anneal] says, along half a cosine; from there it stays. A pure function of the step, so that a resumed run is where
/// it was.
class Annealed {
 public:
  /// One that stays.
  Annealed(double value = 0) : first_(value), last_(value) {}  // NOLINT(google-explicit-constructor)
  /// From `first` at step 0 to `last` at step `steps` and after it.
  Annealed(double first, double last, double steps) : first_(first), last_(last), steps_(steps) {}
  /// Reads `key` as Recipe::number() does, and "anneal.<key>" within the same bounds.
  static Annealed from_recipe(Recipe& recipe, const std::string& key, double fallback, double low, double high,
                              double steps);

  double at(std::int64_t step) const;
  /// The same in other units.
  Annealed times(double factor) const { return {factor * first_, factor * last_, steps_}; }
  double first() const { return first_; }
  bool moves() const { return last_ != first_; }
  /// The largest value that it takes.
  double most() const { return first_ > last_ ? first_ : last_; }

 private:
  double first_, last_, steps_ = 1;
};

}  // namespace ganvas
