#include "ganvas/sweep/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/rng.hpp"
#include "sweep/read_ranges.hpp"

namespace ganvas {

namespace {

constexpr std::int64_t kMostTrials = 10'000;

/// Keys that must be the same in all trials, or their scores couldn't be compared.
const std::vector<std::string> kFixedKeys{"task", "train.steps", "train.validate_every"};

void read_goal(Recipe& file, SweepPlan& plan) {
  plan.metric = file.text("metric", plan.metric);
  const bool given = file.has("goal");
  if (plan.metric != "score" && !given)
    fail(ErrorKind::recipe, "{}: goal is missing: whether {} is to be maximised or minimised", file.name(),
         plan.metric);
  const std::string goal = file.choice("goal", "maximise", {"maximise", "minimise", "maximize", "minimize"});
  plan.larger_is_better = goal.starts_with("max");
  if (plan.metric == "score" && !plan.larger_is_better)
    fail(ErrorKind::recipe, "{}: goal: the task's own score is the better the larger it is; leave goal out",
         file.name());
}

void read_rungs(Recipe& file, SweepPlan& plan) {
  plan.factor = static_cast<int>(file.integer("rungs.factor", 4, 2, 1000));
  plan.first_rung = file.integer("rungs.first", 0, 0);
  if (file.has("rungs.first") && plan.first_rung == 0)
    fail(ErrorKind::recipe, "{}: rungs.first: 0 is not in 1 .. train.steps", file.name());
  plan.rung_steps = file.integers("rungs.steps", {});
  if (!file.has("rungs.steps")) return;
  if (file.has("rungs.first"))
    fail(ErrorKind::recipe, "{}: rungs.first and rungs.steps exclude each other", file.name());
  if (plan.rung_steps.empty()) fail(ErrorKind::recipe, "{}: rungs.steps: the list is empty", file.name());
  for (std::size_t i = 0; i < plan.rung_steps.size(); ++i)
    if (plan.rung_steps[i] < 1 || (i > 0 && plan.rung_steps[i] <= plan.rung_steps[i - 1]))
      fail(ErrorKind::recipe, "{}: rungs.steps: {} doesn't rise from what stands before it", file.name(),
           plan.rung_steps[i]);
}

}  // namespace

SweepPlan SweepPlan::read(Recipe& file) {
  SweepPlan plan;
  plan.recipe = file.text("recipe", "");
  if (plan.recipe.empty()) fail(ErrorKind::recipe, "{}: recipe is missing: which recipe to sweep", file.name());
  plan.grid = file.choice("method", "random", {"random", "grid"}) == "grid";
  plan.seed = static_cast<std::uint64_t>(file.integer("seed", 1, 0));
  plan.repeats = static_cast<int>(file.integer("repeats", 0, 0, 1000));
  read_goal(file, plan);
  read_rungs(file, plan);
  const nlohmann::json sets = file.table("set");
  for (const auto& [key, value] : sets.items()) plan.sets.emplace_back(key, assigned_text(value));
  plan.ranges = read_ranges(file, plan.grid);
  for (const auto& range : plan.ranges) {
    if (std::find(kFixedKeys.begin(), kFixedKeys.end(), range.key) != kFixedKeys.end())
      fail(ErrorKind::recipe, "{}: range.{}: must be the same in all trials, or they can't be compared", file.name(),
           range.key);
    for (const auto& [key, value] : plan.sets)
      if (key == range.key) fail(ErrorKind::recipe, "{}: {}: stands in both [set] and [range]", file.name(), key);
  }
  if (plan.grid && file.has("trials"))
    fail(ErrorKind::recipe, "{}: trials: a grid has its own number; leave it out", file.name());
  if (plan.grid && plan.combinations() > kMostTrials)
    fail(ErrorKind::recipe, "{}: the grid has more than {} trials; take method = \"random\"", file.name(), kMostTrials);
  plan.trials = static_cast<int>(plan.grid ? plan.combinations() : file.integer("trials", 16, 1, kMostTrials));
  file.check_all_read();
  return plan;
}

std::int64_t SweepPlan::combinations() const {
  std::int64_t count = 1;
  for (const auto& range : ranges) {
    const bool endless = !grid && range.kind != SweepRange::Kind::list && range.kind != SweepRange::Kind::integer;
    // The integers between far ends are as good as endless, and no list to be made.
    if (endless || (range.high - range.low) / static_cast<double>(range.step) > 1e6) return grid ? INT64_MAX : 0;
    count *= static_cast<std::int64_t>(range.grid().size());
    if (count > 1'000'000) return grid ? INT64_MAX : 0;
  }
  return count;
}

Assignments SweepPlan::values_of(int trial) const {
  Assignments values;
  if (grid) {  // the last key changes fastest
    auto rest = static_cast<std::size_t>(trial);
    for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
      const auto points = range->grid();
      values.emplace(values.begin(), range->key, points[rest % points.size()]);
      rest /= points.size();
    }
    return values;
  }
  Rng rng = Rng::for_item(seed, static_cast<std::uint64_t>(trial));
  for (const auto& range : ranges) values.emplace_back(range.key, range.at(rng.uniform()));
  return values;
}

std::vector<std::int64_t> SweepPlan::rungs(std::int64_t steps, std::int64_t validate_every,
                                           const std::string& name) const {
  std::vector<std::int64_t> rungs = rung_steps;
  const char* key = rungs.empty() ? "rungs.first" : "rungs.steps";
  if (rungs.empty()) {
    std::int64_t rung = first_rung;
    if (rung == 0) {  // two comparisons before the end, at validations
      const std::int64_t share = std::max<std::int64_t>(1, steps / factor / factor);
      rung = (share + validate_every - 1) / validate_every * validate_every;
    } else {
      rungs.push_back(rung);
      rung = rung > steps / factor ? steps : rung * factor;
    }
    for (; rung<steps; rung = rung> steps / factor ? steps : rung * factor) rungs.push_back(rung);
  }
  if (!rungs.empty() && rungs.back() > steps)
    fail(ErrorKind::recipe, "{}: {}: {} steps are more than the recipe's train.steps = {}", name, key, rungs.back(),
         steps);
  if (rungs.empty() || rungs.back() < steps) rungs.push_back(steps);
  for (const auto rung : rungs)
    if (rung % validate_every != 0 && rung != steps)
      fail(ErrorKind::recipe,
           "{}: {}: no validation after {} steps, since train.validate_every = {}; choose a multiple, or another "
           "validate_every in [set.train]",
           name, key, rung, validate_every);
  return rungs;
}

std::vector<int> SweepPlan::expected(std::size_t rungs) const {
  std::vector<int> counts{trials};
  while (counts.size() < rungs) counts.push_back(std::max(1, counts.back() / factor));
  return counts;
}

}  // namespace ganvas
