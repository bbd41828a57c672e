#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ganvas {

/// What came of a trial at a rung, or of a repeat of the best.
struct SweepResult {
  int trial = 0;  ///< of a repeat: its number
  int rung = 0;
  std::int64_t steps = 0;         ///< done when it was judged, or when it failed
  std::optional<double> value{};  ///< of the metric; none: it failed
  std::string failure{};          ///< why
  double seconds = 0;             ///< since the rung before
  double finished = 0;            ///< seconds since 1970
};

/// Where a trial stands at the moment.
struct SweepPlace {
  SweepResult latest;
  bool failed() const { return !latest.value; }
};

/// Asynchronous successive halving (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", algorithm
/// 2): a trial goes on from a rung when it is among the best 1/factor of what has come to that rung so far; nobody
/// waits for stragglers. In addition, once all that can come to a rung has come, at least the best goes on, so that
/// short sweeps reach the last rung too. A failed trial counts as the worst result of the rung that it failed at.
class SweepStanding {
 public:
  SweepStanding(int trials, int rungs, int factor, bool larger_is_better)
      : trials_(trials), factor_(factor), larger_(larger_is_better), results_(static_cast<std::size_t>(rungs)) {}

  void add(const SweepResult& result);
  /// Somebody has begun to bring the trial to this rung: it will be finished, whatever comes meanwhile.
  void begun(int trial, int rung);

  struct Job {
    int trial, rung;
    bool operator==(const Job&) const = default;
  };
  /// All that may be done now, most urgent first: promotions from the highest rung down, the best first, then trials
  /// not judged yet. Whoever takes one sees to it that nobody else does.
  std::vector<Job> jobs() const;
  /// No job is left, and none can come.
  bool finished() const;
  bool has(int trial, int rung) const { return results_[static_cast<std::size_t>(rung)].contains(trial); }
  std::int64_t count(int rung) const {
    return static_cast<std::int64_t>(results_[static_cast<std::size_t>(rung)].size());
  }

  /// All trials with a result, best first: those that came further, then by value, then by number; failed ones last.
  std::vector<SweepPlace> ranking() const;
  /// The first of them; nothing when all failed.
  std::optional<SweepResult> best() const;

 private:
  bool better(const SweepResult& a, const SweepResult& b) const;
  /// Trials that go on from this rung, best first, whether they have already or not.
  std::vector<int> promoted(std::size_t rung, bool closed) const;
  /// Whether all that can come to the rung has come.
  bool closed(std::size_t rung) const;

  int trials_, factor_;
  bool larger_;
  std::vector<std::map<int, SweepResult>> results_;  ///< by rung, then trial
  std::map<int, int> begun_;                         ///< trial to highest rung
};

}  // namespace ganvas
