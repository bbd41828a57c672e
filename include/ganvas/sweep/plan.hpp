#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ganvas/core/recipe.hpp"

namespace ganvas {

/// Keys of a recipe with values as Recipe::set takes them, sorted by key.
using Assignments = std::vector<std::pair<std::string, std::string>>;

/// The values that one key of the recipe may take.
struct SweepRange {
  enum class Kind { list, uniform, log_uniform, integer, log_integer };
  std::string key;
  Kind kind = Kind::list;
  std::vector<std::string> values;  ///< of a list, at least two
  double low = 0, high = 0;         ///< of the others, both included
  std::int64_t step = 1;            ///< of integer
  std::int64_t count = 0;           ///< points of a grid over uniform, log_uniform and log_integer

  bool is_logarithmic() const { return kind == Kind::log_uniform || kind == Kind::log_integer; }
  /// One value from a number in [0, 1). Real ones have four significant digits, so that what a table shows is what ran.
  std::string at(double share) const;
  /// All values of a grid.
  std::vector<std::string> grid() const;
};

/// What SWEEP.toml says, as far as it can be told without the recipe that it is about:
///
///   recipe = "dcgan-mini"       a recipe's name or file
///   method = "random"           or "grid": every combination once
///   trials = 16                 of random
///   seed = 1
///   metric = "score"            the task's own; or a figure of its validation, and then
///   goal = "maximise"           or "minimise"
///   repeats = 0                 how often the best is trained again with other seeds
///   [rungs]                     first = steps at which trials are compared first, then times `factor` (4) each time;
///                               or steps = [...]
///   [set.TABLE]                 keys that differ from the recipe in all trials
///   [range.TABLE]               key = [list], or a table [range.TABLE.KEY] of `values`, or of `distribution` (uniform,
///                               log-uniform, integer, log-integer), `min`, `max`, of integer `step`, in a grid `count`
struct SweepPlan {
  std::string recipe, metric = "score";
  bool grid = false, larger_is_better = true;
  int trials = 0, repeats = 0;
  std::uint64_t seed = 1;
  int factor = 4;
  std::int64_t first_rung = 0;           ///< 0: chosen from the recipe's steps
  std::vector<std::int64_t> rung_steps;  ///< empty: by first_rung and factor
  Assignments sets;
  std::vector<SweepRange> ranges;  ///< sorted by key

  /// Reads all keys of the file. Throws Error(recipe) that names the key.
  static SweepPlan read(Recipe& file);
  /// The values of trial `trial`, a function of the seed and its number alone.
  Assignments values_of(int trial) const;
  /// How many different trials there are; 0: no end.
  std::int64_t combinations() const;
  /// Steps at which trials are compared, rising; the last are the recipe's. Throws Error(recipe) with `name` where
  /// the rungs don't fit the recipe's train.steps and train.validate_every.
  std::vector<std::int64_t> rungs(std::int64_t steps, std::int64_t validate_every, const std::string& name) const;
  /// Trials that go through each rung if all wait for each other; early promotions may add a few.
  std::vector<int> expected(std::size_t rungs) const;
};

}  // namespace ganvas
