#include "infer/watch.hpp"

#include <fmt/ranges.h>

#include <chrono>
#include <ostream>
#include <thread>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/list_files.hpp"
#include "ganvas/core/log.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

constexpr std::chrono::milliseconds between_looks(1000), patience(100);

void check_watch(const BatchOptions& options) {
  std::error_code ignored;
  for (const auto& input : options.inputs)
    if (!fs::is_directory(input, ignored))
      fail(ErrorKind::usage, "{}: is no folder, and only folders can be watched", input);
  if (!fs::is_directory(options.output, ignored) && (options.output == "-" || fs::exists(options.output, ignored)))
    fail(ErrorKind::usage, "{}: is no folder, which results of watched folders need", options.output);
  if (options.limit > 0 || options.dry_run || options.shard_count > 1)
    fail(ErrorKind::usage,
         "limits, shares and dry runs want a number of files that is known; watched folders have none");
  if (options.name.find("{n}") != std::string::npos)
    fail(ErrorKind::usage, "the name pattern {}: files of watched folders have no number {{n}}", options.name);
}

/// A signal that comes when all `jobs` are finished is a watch's usual end, no interruption.
void add(BatchSummary& all, const BatchSummary& some, int jobs) {
  all.done += some.done;
  all.skipped += some.skipped;
  all.failed += some.failed;
  all.interrupted |= some.interrupted && some.done + some.skipped + some.failed < jobs;
}

void run_settled(BatchSummary& all, const BatchOptions& options, const WatchedFolders& folders,
                 const std::set<fs::path>& settled, const RunJobs& run_jobs) {
  std::vector<BatchJob> fresh, again;
  for (auto& job : plan_batch(options))
    if (settled.contains(job.input)) (folders.is_again(job.input) ? again : fresh).push_back(std::move(job));
  const auto run = [&](const BatchOptions& now, std::vector<BatchJob>& jobs) {
    if (jobs.empty() || all.interrupted) return;
    const int count = static_cast<int>(jobs.size());
    add(all, run_jobs(now, std::move(jobs)), count);
  };
  BatchOptions now = options;
  now.skip_existing = !options.force;  // what an earlier watch has done
  run(now, fresh);
  now.skip_existing = false;
  now.force = true;  // results of this one
  run(now, again);
}

void pause() {
  for (auto waited = patience; waited <= between_looks && !interrupted(); waited += patience)
    std::this_thread::sleep_for(patience);
}

}  // namespace

std::map<fs::path, WatchedFolders::Look> WatchedFolders::look() const {
  std::map<fs::path, Look> found;
  for (const auto& folder : options_.inputs) {
    std::vector<fs::path> unlisted;
    const auto enters = [&](const fs::path& below) {
      std::error_code ignored;
      return !fs::equivalent(below, options_.output, ignored);
    };
    for (const auto& path : list_files(folder, options_.recursive, &unlisted, enters)) {
      std::error_code gone;
      Look look{fs::file_size(path, gone), {}};
      if (!gone) look.time = fs::last_write_time(path, gone);
      if (!gone) found.emplace(path, look);
    }
  }
  return found;
}

std::set<fs::path> WatchedFolders::settled() {
  std::map<fs::path, Look> now = look();
  std::erase_if(handed_out_, [&](const auto& file) { return !now.contains(file.first); });
  std::set<fs::path> settled;
  again_.clear();
  for (const auto& [path, look] : now) {
    const auto last = last_.find(path), before = handed_out_.find(path);
    const bool known = before != handed_out_.end();
    if (last == last_.end() || last->second != look || (known && before->second == look)) continue;
    settled.insert(path);
    if (known) again_.insert(path);
    handed_out_[path] = look;
  }
  last_ = std::move(now);
  return settled;
}

BatchSummary watch_batch(const BatchOptions& options, const RunJobs& run_jobs, const std::ostream& out) {
  check_watch(options);
  plan_batch(options);  // what can't be, can't be from the beginning
  log(LogLevel::info, "watching {}; Ctrl-C ends it", fmt::join(options.inputs, ", "));
  WatchedFolders folders(options);
  BatchSummary all;
  const double begin = seconds_now();
  while (out && !interrupted() && !all.interrupted && !(options.stop_on_error && all.failed > 0)) {
    if (const auto settled = folders.settled(); !settled.empty()) {
      try {
        run_settled(all, options, folders, settled, run_jobs);
      } catch (const Error& error) {  // of the plan: two inputs with one output
        log(LogLevel::error, "{}", error.what());
        ++all.failed;
      }
    }
    pause();
  }
  all.seconds = seconds_now() - begin;
  return all;
}

}  // namespace ganvas
