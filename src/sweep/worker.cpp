#include "ganvas/sweep/worker.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/sweep/page.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// So many processes in a row may die over a trial without getting further (they ran out of memory, say).
constexpr int kMostDeaths = 3;

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Changes whenever a run in this folder gets further.
std::string stamp_of(const fs::path& run) {
  struct stat status {};
  if (::stat((run / "checkpoints" / "latest.safetensors").c_str(), &status) != 0) return "";
  return fmt::format("{}.{:09}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/// Sleeps unless interrupted.
void pause_for(double seconds) {
  for (const double end = seconds_now() + seconds; seconds_now() < end && !interrupted();)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

std::string text_of(const Assignments& values) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : values) parts.push_back(fmt::format("{} {}", key, value));
  return fmt::format("{}", fmt::join(parts, ", "));
}

class Worker {
 public:
  Worker(const Sweep& sweep, SweepFolder& folder, const SweepTrainer& train)
      : sweep_(sweep), folder_(folder), train_(train), board_(folder.claims(), sweep.options.stale) {}

  SweepState run();

 private:
  SweepState state();
  bool do_something(const SweepState& state);
  SweepJob trial_job(const SweepStanding::Job& job) const;
  SweepJob repeat_job(const SweepResult& best, int number) const;
  bool work(const std::string& claim_name, const SweepJob& job, SweepResult result, bool is_repeat);
  bool is_done(const SweepResult& result, bool is_repeat);
  void judge(const SweepJob& job, Claim& claim, SweepResult& result);
  void write_pages(const SweepState& state);
  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    log(LogLevel::info, "{}{}", sweep_.options.label, fmt::format(format, std::forward<Args>(args)...));
  }

  const Sweep& sweep_;
  SweepFolder& folder_;
  const SweepTrainer& train_;
  ClaimBoard board_;
  std::map<std::string, double> busy_until_;
};

SweepState Worker::state() {
  SweepState state = read_state(sweep_, folder_);
  for (const auto& [name, rung] : board_.rungs())
    if (int trial = 0; std::sscanf(name.c_str(), "trial-%d", &trial) == 1) state.standing.begun(trial, rung);
  return state;
}

SweepState Worker::run() {
  constexpr double shortest = 0.1, longest = 2;
  double pause = shortest;
  for (bool said = false;;) {
    throw_if_interrupted();
    SweepState now = state();
    const bool worked = !now.finished && do_something(now);
    if (worked) {
      pause = shortest;
      said = false;
      continue;
    }
    if (now.finished || !sweep_.options.wait) {
      write_pages(now);
      return now;
    }
    if (!std::exchange(said, true)) say("waiting for what other workers do");
    pause_for(pause);
    pause = std::min(1.5 * pause, longest);
  }
}

/// The first job that is free; false where others have them all.
bool Worker::do_something(const SweepState& state) {
  for (const auto& job : state.standing.jobs())
    if (work(fmt::format("trial-{:04}", job.trial), trial_job(job), {.trial = job.trial, .rung = job.rung}, false))
      return true;
  if (!state.standing.finished()) return false;
  for (int i = 0; i < sweep_.plan.repeats; ++i)
    if (const SweepResult result{.trial = i, .rung = 0}; !is_done(result, true))
      if (work(fmt::format("repeat-{}", i), repeat_job(*state.standing.best(), i), result, true)) return true;
  return false;
}

SweepJob Worker::trial_job(const SweepStanding::Job& job) const {
  const auto rung = static_cast<std::size_t>(job.rung);
  return {.name = fmt::format("trial {}", job.trial),
          .folder = folder_.trial(job.trial),
          .values = sweep_.plan.values_of(job.trial),
          .from = rung > 0 ? sweep_.rungs[rung - 1] : 0,
          .steps = sweep_.rungs[rung],
          .last = rung + 1 == sweep_.rungs.size()};
}

SweepJob Worker::repeat_job(const SweepResult& best, int number) const {
  SweepJob job{.name = fmt::format("repeat {} of trial {}", number, best.trial),
               .folder = folder_.repeat(number),
               .values = repeat_values(sweep_, best.trial, number),
               .steps = sweep_.rungs.back(),
               .last = true};
  return job;
}

bool Worker::is_done(const SweepResult& result, bool is_repeat) {
  const auto& list = is_repeat ? folder_.repeats() : folder_.results();
  return std::any_of(list.begin(), list.end(), [&](const SweepResult& known) {
    return known.trial == result.trial && known.rung == result.rung;
  });
}

/// False when somebody else is at it.
bool Worker::work(const std::string& claim_name, const SweepJob& job, SweepResult result, bool is_repeat) {
  if (const auto busy = busy_until_.find(claim_name); busy != busy_until_.end() && busy->second > seconds_now())
    return false;
  const auto claim = board_.take(claim_name, result.rung, stamp_of(job.folder));
  if (!claim) return false;
  if (is_done(result, is_repeat)) return true;  // since we looked
  say("{}: steps {} to {} ({})", job.name, job.from, job.steps, text_of(job.values));
  try {
    judge(job, *claim, result);
    claim->check_now();
    if (is_repeat) folder_.record_repeat(result);
    else folder_.record(result);
  } catch (const ClaimLost&) {
    log(LogLevel::warning, "{}{}: another worker has taken it over", sweep_.options.label, job.name);
    return true;
  } catch (const SweepTrialBusy&) {
    log(LogLevel::warning, "{}{}: a process that was taken for dead is still at it", sweep_.options.label, job.name);
    busy_until_[claim_name] = seconds_now() + sweep_.options.stale;
    return true;
  }
  const SweepState now = state();
  if (result.value) say("{}: {} steps: {} {:.6g}", job.name, result.steps, sweep_.plan.metric, *result.value);
  else log(LogLevel::warning, "{}{}: failed: {}", sweep_.options.label, job.name, result.failure);
  write_pages(now);
  return true;
}

void Worker::judge(const SweepJob& job, Claim& claim, SweepResult& result) {
  const double began = seconds_now();
  std::optional<Progress> progress;  // several workers on one terminal would write over each other's
  if (sweep_.options.label.empty()) progress.emplace(job.name, static_cast<double>(job.steps), job.from);
  result.steps = job.steps;
  try {
    if (claim.deaths() >= kMostDeaths)
      throw SweepTrialFailed{fmt::format("its process died {} times without getting further", claim.deaths()),
                             job.from};
    const double value = train_(job, [&](std::int64_t step) {
      claim.check();
      if (progress && step < job.steps) progress->update(static_cast<double>(step));
    });
    if (!std::isfinite(value)) throw SweepTrialFailed{fmt::format("{} is {}", sweep_.plan.metric, value), job.steps};
    result.value = value;
  } catch (const SweepTrialFailed& failed) {
    result.failure = failed.reason;
    result.steps = failed.steps;
  }
  result.seconds = seconds_now() - began;
  result.finished = wall_clock();
}

void Worker::write_pages(const SweepState& state) {
  if (state.standing.finished() && state.standing.best())
    write_file_atomically(folder_.path() / "best.toml", best_recipe(sweep_, folder_, state));
  write_sweep_report(sweep_, folder_, state);
}

}  // namespace

SweepState read_state(const Sweep& sweep, SweepFolder& folder) {
  SweepState state{.standing = SweepStanding(sweep.plan.trials, static_cast<int>(sweep.rungs.size()), sweep.plan.factor,
                                             sweep.plan.larger_is_better),
                   .results = folder.results(),
                   .repeats = folder.repeats()};
  for (const auto& result : state.results) state.standing.add(result);
  state.finished = state.standing.finished() &&
                   (!state.standing.best() || static_cast<int>(state.repeats.size()) >= sweep.plan.repeats);
  return state;
}

Assignments repeat_values(const Sweep& sweep, int trial, int number) {
  Assignments values = sweep.plan.values_of(trial);
  std::uint64_t seed = sweep.train_seed;
  for (const auto& [key, value] : values)
    if (key == "train.seed") seed = std::strtoull(value.c_str(), nullptr, 10);
  std::erase_if(values, [](const auto& item) { return item.first == "train.seed"; });
  values.emplace_back("train.seed", fmt::format("{}", seed + 1 + static_cast<std::uint64_t>(number)));
  return values;
}

std::string best_recipe(const Sweep& sweep, const SweepFolder& folder, const SweepState& state) {
  const auto best = state.standing.best();
  if (!best) return {};
  std::string text =
      fmt::format("# The best of {} trials of the sweep {}: trial {}, {} {:.6g} after {} steps. It chose\n",
                  sweep.plan.trials, sweep.name, best->trial, sweep.plan.metric, *best->value, best->steps);
  for (const auto& [key, value] : sweep.plan.values_of(best->trial)) text += fmt::format("#   {} = {}\n", key, value);
  const Bytes recipe = read_file(folder.trial(best->trial) / "recipe.toml", 1 << 20);
  return text + std::string(recipe.begin(), recipe.end());
}

SweepState work_on(const Sweep& sweep, SweepFolder& folder, const SweepTrainer& train) {
  return Worker(sweep, folder, train).run();
}

}  // namespace ganvas
