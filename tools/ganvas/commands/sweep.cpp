#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "commands/run.hpp"
#include "commands/sweep_table.hpp"
#include "commands/sweep_trainer.hpp"
#include "commands/training_hints.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/sweep/worker.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

using Part = SweepRequest::Part;

/// A recipe's file beside that of the sweep, or as `ganvas train` finds it.
fs::path recipe_beside(const fs::path& sweep_file, const std::string& name) {
  const fs::path beside = sweep_file.parent_path() / name;
  return fs::is_regular_file(beside) ? beside : find_recipe(name);
}

/// All that a sweep is, before anything runs.
struct Definition {
  Recipe file, recipe;  ///< SWEEP.toml and the recipe that it is about, both read to the end
  Recipe base;          ///< the recipe with [set], to be varied
  Sweep sweep;
  SweepIdentity identity;
};

std::string place_text(const fs::path& place) {
  return place.empty() ? std::string() : fs::absolute(place).lexically_normal().string();
}

Definition define(const SweepRequest& request) {
  Definition definition;
  definition.file = Recipe::load(request.file);
  Sweep& sweep = definition.sweep;
  sweep.plan = SweepPlan::read(definition.file);
  sweep.name = fs::path(request.file).stem().string();
  sweep.options = request.options;
  definition.base = Recipe::load(recipe_beside(request.file, sweep.plan.recipe));
  for (const auto& [key, value] : sweep.plan.sets) definition.base.set(key + "=" + value);

  definition.recipe = read_to_end(definition.base);
  definition.identity = {.plan = definition.file.resolved(), .recipe = definition.recipe.resolved(), .places = {}};
  const std::int64_t steps = definition.recipe.integer("train.steps", 0);
  sweep.rungs = sweep.plan.rungs(steps, definition.recipe.integer("train.validate_every", 1), request.file);
  sweep.train_seed = static_cast<std::uint64_t>(definition.recipe.integer("train.seed", 1));
  std::vector<std::string> places;
  for (const auto& place : request.training.data.places) places.push_back(place_text(place));
  definition.identity.places = {{"--data", fmt::format("{}", fmt::join(places, ", "))},
                                {"--lr-data", place_text(request.training.data.lr)},
                                {"--val", place_text(request.training.data.validation)}};
  return definition;
}

/// Why trials can't begin, by number; of the first ones, since each builds its networks once. What is wrong with all of
/// them is wrong with the sweep: Error(recipe).
std::map<int, std::string> doomed_trials(const Definition& definition) {
  constexpr int most = 64;
  const SweepPlan& plan = definition.sweep.plan;
  const int count = std::min(plan.trials, most);
  std::map<int, std::string> reasons;
  for (int trial = 0; trial < count; ++trial) {
    throw_if_interrupted();
    try {
      resolve_recipe(with_values(definition.base, plan.values_of(trial)));
    } catch (const Error& error) {
      reasons[trial] = error.what();
    }
  }
  if (static_cast<int>(reasons.size()) == count) fail(ErrorKind::recipe, "{}", reasons.begin()->second);
  return reasons;
}

void warn_of_equal_trials(const SweepPlan& plan) {
  const std::int64_t combinations = plan.combinations();
  if (!plan.grid && combinations > 0 && combinations < plan.trials)
    log(LogLevel::warning, "{} trials, but only {} combinations: some are equal; method = \"grid\" tries each once",
        plan.trials, combinations);
}

/// Checks all that can be checked, and makes the folder. Nothing to do where that is done.
void prepare(const Definition& definition, SweepFolder& folder, SweepTrainers& trainers) {
  // What is in the folder counts first: it may be another's.
  if (folder.holds(definition.file, definition.recipe, definition.identity)) return;
  const auto doomed = doomed_trials(definition);
  for (const auto& [trial, reason] : doomed) log(LogLevel::warning, "trial {} will fail: {}", trial, reason);
  int first = 0;
  while (doomed.contains(first)) ++first;
  trainers.check_data(definition.sweep.plan.values_of(first));
  warn_of_equal_trials(definition.sweep.plan);
  folder.create(definition.identity);
  // Another command may have done so at the same moment.
  folder.holds(definition.file, definition.recipe, definition.identity);
}

int print_result(const SweepRequest& request, const Definition& definition, const SweepState& state,
                 const SweepFolder& folder) {
  print_ranking(definition.sweep, state, request.json);
  const auto judged = state.standing.count(0);
  if (!state.finished) {
    log(LogLevel::info, "{} of {} trials judged; the same command goes on", judged, definition.sweep.plan.trials);
    if (request.part == Part::print) return 1;
  }
  if (state.standing.finished() && !state.standing.best())
    fail(ErrorKind::data, "all {} trials failed; the first: {}", judged,
         state.standing.ranking().front().latest.failure);
  log(LogLevel::info, "{}: the page{}", (folder.path() / "report.html").string(),
      state.standing.finished() ? fmt::format("; {}: the best recipe", (folder.path() / "best.toml").string()) : "");
  return 0;
}

}  // namespace

int run(const SweepRequest& request) {
  Definition definition = define(request);
  if (request.dry_run) {
    const auto doomed = doomed_trials(definition);
    warn_of_equal_trials(definition.sweep.plan);
    print_plan(definition.sweep, doomed, request.json);
    return 0;
  }
  SweepFolder folder(request.options.out);
  SweepTrainers trainers(definition.base, definition.sweep.plan, request.training);
  return with_training_hints([&] {
    prepare(definition, folder, trainers);
    if (request.part == Part::prepare) return 0;
    if (request.part == Part::print)
      return print_result(request, definition, read_state(definition.sweep, folder), folder);
    wait_for_clean_end();  // a step may take long, and the checkpoint behind it is worth the wait
    try {
      const SweepState state = work_on(definition.sweep, folder, trainers.trainer());
      return request.part == Part::work ? 0 : print_result(request, definition, state, folder);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::interrupted) throw;
      fail(ErrorKind::interrupted, "{}interrupted; the same command goes on", request.options.label);
    }
  });
}

}  // namespace ganvas::cli
