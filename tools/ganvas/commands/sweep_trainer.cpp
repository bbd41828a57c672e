#include "commands/sweep_trainer.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/nn/failure.hpp"
#include "ganvas/sweep/figure.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

/// A run that was killed between its first two files would be taken for something else's.
void remove_torn_begin(const fs::path& run) {
  std::error_code ignored;
  if (!fs::exists(run / "log.jsonl") && !fs::exists(run / "checkpoints" / "latest.safetensors"))
    fs::remove(run / "recipe.toml", ignored);
}

/// What all trials say of the same data is news once.
class Hush {
 public:
  explicit Hush(bool on) : before_(log_level()) {
    if (on) set_log_level(LogLevel::error);
  }
  ~Hush() { lift(); }
  Hush(const Hush&) = delete;
  Hush& operator=(const Hush&) = delete;
  void lift() { set_log_level(before_); }

 private:
  LogLevel before_;
};

}  // namespace

Recipe with_values(Recipe recipe, const Assignments& values) {
  for (const auto& [key, value] : values) recipe.set(key + "=" + value);
  return recipe;
}

SweepTrainers::SweepTrainers(Recipe base, SweepPlan plan, TrainOptions options)
    : base_(std::move(base)), plan_(std::move(plan)), options_(std::move(options)) {
  options_.resume = true;
  options_.quiet = true;
  options_.find_model = [](const std::string& name) { return find_model(name); };
}

void SweepTrainers::check_data(const Assignments& values) const {
  try {
    check_training(base_, options_);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) throw;
    try {
      check_training(with_values(base_, values), options_);
    } catch (const Error&) {
      throw error;
    }
  }
}

SweepTrainer SweepTrainers::trainer() {
  return [this](const SweepJob& job, const std::function<void(std::int64_t)>& step) { return train_to(job, step); };
}

/// The reason that a trial failed for, or the error itself where it is none of the trial's: data that are gone, a full
/// disk.
std::string SweepTrainers::failure_of(const Error& error, const Recipe& recipe, std::int64_t steps_here) {
  if (error.kind() == ErrorKind::interrupted) throw error;
  if (error.kind() == ErrorKind::recipe) return error.what();
  if (steps_here > 0 && error.kind() == ErrorKind::file) throw error;
  if (steps_here > 0) return error.what();
  try {
    check_training(recipe, options_);
  } catch (const Error&) {
    if (!proven_) check_data({});
    return error.what();
  }
  // All can be read. What can't be written is nobody's fault.
  if (error.kind() == ErrorKind::file) throw error;
  return error.what();
}

double SweepTrainers::train_to(const SweepJob& job, const std::function<void(std::int64_t)>& step) {
  const TrainResult result = run(job, step);
  if (plan_.metric != "score")
    return best_figure(job.folder / "log.jsonl", plan_.metric, plan_.larger_is_better, job.steps);
  constexpr double none = -1e299;  // TrainResult's value of a run without a score
  return result.best_score > none ? result.best_score : std::numeric_limits<double>::quiet_NaN();
}

TrainResult SweepTrainers::run(const SweepJob& job, const std::function<void(std::int64_t)>& step) {
  const Recipe recipe = with_values(base_, job.values);
  TrainOptions options = options_;
  options.out = job.folder;
  options.stop_at = job.steps;
  std::int64_t here = 0, reached = job.from;
  Hush while_it_loads(proven_);
  options.after_step = [&](std::int64_t done) {
    ++here;
    reached = done;
    proven_ = true;
    while_it_loads.lift();
    step(done);
  };
  remove_torn_begin(job.folder);
  try {
    return train(recipe, options);
  } catch (const SettingError& error) {
    if (error.setting() == "out") throw SweepTrialBusy();
    throw SweepTrialFailed{failure_of(error, recipe, here), reached};
  } catch (const Error& error) {
    throw SweepTrialFailed{failure_of(error, recipe, here), reached};
  } catch (const std::exception& error) {
    throw SweepTrialFailed{failure_line(error), reached};
  }
}

}  // namespace ganvas::cli
