#include "ganvas/sweep/page.hpp"

#include <fmt/format.h>

#include <map>

#include "ganvas/report/sweep_page.hpp"

namespace ganvas {

namespace {

SweepPage::Parameter parameter_of(const SweepRange& range) {
  const bool is_list = range.kind == SweepRange::Kind::list;
  return {.key = range.key, .is_list = is_list, .logarithmic = range.is_logarithmic(), .names = range.values};
}

std::vector<SweepPage::Trial> trials_of(const Sweep& sweep, const SweepState& state) {
  std::map<int, std::vector<SweepResult>> by_trial;
  for (const auto& result : state.results) by_trial[result.trial].push_back(result);
  std::vector<SweepPage::Trial> trials;
  for (const auto& place : state.standing.ranking()) {
    SweepPage::Trial trial{
        .number = place.latest.trial,
        .values = {},
        .judged = {},
        .value = place.latest.value,
        .failure = place.latest.failure,
        .steps = place.latest.steps,
        .at_end = place.latest.value && place.latest.rung + 1 == static_cast<int>(sweep.rungs.size())};
    for (const auto& [key, value] : sweep.plan.values_of(trial.number)) trial.values.push_back(value);
    std::map<std::int64_t, double> judged;
    for (const auto& result : by_trial[trial.number]) {
      if (result.value) judged[result.steps] = *result.value;
      trial.seconds += result.seconds;
    }
    trial.judged.assign(judged.begin(), judged.end());
    trials.push_back(std::move(trial));
  }
  return trials;
}

/// After each result in the order of time.
std::vector<std::pair<std::int64_t, double>> best_so_far(const Sweep& sweep, const SweepState& state) {
  std::vector<std::pair<std::int64_t, double>> curve;
  std::map<int, std::int64_t> done;
  std::int64_t steps = 0;
  for (const auto& result : state.results) {
    auto& own = done[result.trial];
    steps += std::max<std::int64_t>(0, result.steps - own);
    own = std::max(own, result.steps);
    if (!result.value) continue;
    const double best = curve.empty() ? *result.value : curve.back().second;
    const bool better = sweep.plan.larger_is_better ? *result.value > best : *result.value < best;
    curve.emplace_back(steps, better ? *result.value : best);
  }
  return curve;
}

std::vector<std::pair<std::string, std::string>> facts_of(const Sweep& sweep) {
  const SweepPlan& plan = sweep.plan;
  return {{"recipe", plan.recipe},
          {"method", plan.grid ? "grid" : fmt::format("random, seed {}", plan.seed)},
          {"metric", fmt::format("{}, {}", plan.metric, plan.larger_is_better ? "maximised" : "minimised")},
          {"compared after steps", fmt::format("{}", fmt::join(sweep.rungs, ", "))},
          {"go on", fmt::format("the best 1/{} of a rung", plan.factor)}};
}

}  // namespace

void write_sweep_report(const Sweep& sweep, const SweepFolder& folder, const SweepState& state) {
  SweepPage page{.title = sweep.name,
                 .metric = sweep.plan.metric,
                 .larger_is_better = sweep.plan.larger_is_better,
                 .finished = state.finished,
                 .trials = sweep.plan.trials,
                 .facts = facts_of(sweep),
                 .parameters = {},
                 .ranked = trials_of(sweep, state),
                 .best_so_far = best_so_far(sweep, state),
                 .repeats = {},
                 .best_recipe = state.standing.finished() ? best_recipe(sweep, folder, state) : ""};
  for (const auto& range : sweep.plan.ranges) page.parameters.push_back(parameter_of(range));
  if (const auto best = state.standing.best())
    for (const auto& repeat : state.repeats)
      page.repeats.push_back(
          {repeat_values(sweep, best->trial, repeat.trial).back().second, repeat.value, repeat.failure});
  write_sweep_page(page, folder.path() / "report.html");
}

}  // namespace ganvas
