#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/sweep/claims.hpp"
#include "ganvas/sweep/folder.hpp"
#include "ganvas/sweep/options.hpp"
#include "ganvas/sweep/plan.hpp"
#include "ganvas/sweep/standing.hpp"

namespace ganvas {

/// A sweep with all that follows from its recipe.
struct Sweep {
  std::string name;  ///< of its page
  SweepPlan plan;
  std::vector<std::int64_t> rungs;  ///< steps
  std::uint64_t train_seed = 1;     ///< of the recipe; repeats take the next ones
  SweepOptions options;
};

/// A run to be brought to so many steps.
struct SweepJob {
  std::string name;  ///< "trial 3", "repeat 0"
  std::filesystem::path folder;
  Assignments values;  ///< of the recipe's keys
  std::int64_t from = 0, steps = 0;
  bool last = false;  ///< `steps` are all of the recipe's
};

/// Trains a job as far as it asks and gives the metric's value there. Calls `step` after each step with the number
/// of steps done; what that throws leaves through here. Throws SweepTrialFailed for what is the trial's own
/// fault, SweepTrialBusy where another process is at the folder; anything else ends the worker.
using SweepTrainer = std::function<double(const SweepJob& job, const std::function<void(std::int64_t)>& step)>;
struct SweepTrialFailed {
  std::string reason;
  std::int64_t steps = 0;
};
struct SweepTrialBusy {};

/// What is known of a sweep so far.
struct SweepState {
  SweepStanding standing;
  std::vector<SweepResult> results, repeats;  ///< in the order of time
  bool finished = false;                      ///< repeats too
};
SweepState read_state(const Sweep& sweep, SweepFolder& folder);
/// A trial's values with another train.seed; the repeats count from 0.
Assignments repeat_values(const Sweep& sweep, int trial, int number);
/// The best trial's recipe as a file that starts with where it comes from; empty while there is none.
std::string best_recipe(const Sweep& sweep, const SweepFolder& folder, const SweepState& state);

/// Works on a sweep beside any number of others until it is finished: takes what may be done and nobody else does,
/// trains it, records what came of it, writes page and best recipe. Whatever a process leaves that is killed, others
/// (or the same command) go on with from its last checkpoint. Throws Error(interrupted) after a clean end, Error(file)
/// for what makes going on pointless (a full disk).
SweepState work_on(const Sweep& sweep, SweepFolder& folder, const SweepTrainer& train);

}  // namespace ganvas
