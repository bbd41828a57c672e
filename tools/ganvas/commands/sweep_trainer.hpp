#pragma once

#include "ganvas/core/recipe.hpp"
#include "ganvas/sweep/worker.hpp"
#include "ganvas/train/trainer.hpp"

namespace ganvas::cli {

Recipe with_values(Recipe recipe, const Assignments& values);

/// Trains the trials of a sweep, and tells whose fault it is when one can't be.
class SweepTrainers {
 public:
  /// `base`: the recipe that trials vary.
  SweepTrainers(Recipe base, SweepPlan plan, TrainOptions options);

  /// Reads the data once, with the recipe or, where these don't suit it, with a trial's values. Throws what train()
  /// would throw.
  void check_data(const Assignments& values) const;
  SweepTrainer trainer();

 private:
  /// Trains, with the trial's own errors as SweepTrialFailed.
  TrainResult run(const SweepJob& job, const std::function<void(std::int64_t)>& step);
  double train_to(const SweepJob& job, const std::function<void(std::int64_t)>& step);
  std::string failure_of(const Error& error, const Recipe& recipe, std::int64_t steps_here);

  Recipe base_;
  SweepPlan plan_;
  TrainOptions options_;
  bool proven_ = false;  ///< a trial has trained in this process: data and device are there
};

}  // namespace ganvas::cli
