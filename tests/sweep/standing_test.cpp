#include "ganvas/sweep/standing.hpp"

#include <algorithm>
#include <set>

#include "ganvas/core/rng.hpp"
#include "support/support.hpp"

using namespace ganvas;

namespace {

/// The rule of asynchronous successive halving as one would say it, over a plain list of results.
struct SlowTwin {
  int trials, rungs, factor;
  bool larger;
  std::vector<SweepResult> results;

  const SweepResult* result(int trial, int rung) const {
    for (const auto& one : results)
      if (one.trial == trial && one.rung == rung) return &one;
    return nullptr;
  }
  bool is_better(const SweepResult& a, const SweepResult& b) const {
    if (!a.value) return !b.value && a.trial < b.trial;
    if (!b.value) return true;
    if (*a.value == *b.value) return a.trial < b.trial;
    return larger == (*a.value > *b.value);
  }
  /// How many at a rung are better than this trial.
  int place(int trial, int rung) const {
    int better = 0;
    for (const auto& other : results)
      better += other.rung == rung && other.trial != trial && is_better(other, *result(trial, rung));
    return better;
  }
  int count(int rung) const {
    return static_cast<int>(std::count_if(results.begin(), results.end(), [&](auto& one) { return one.rung == rung; }));
  }
  bool all_came(int rung) const {
    if (rung == 0) return count(0) == trials;
    if (!all_came(rung - 1)) return false;
    for (int trial = 0; trial < trials; ++trial)
      if (goes_on(trial, rung - 1) && !result(trial, rung)) return false;
    return true;
  }
  bool goes_on(int trial, int rung) const {
    const SweepResult* here = result(trial, rung);
    if (!here || !here->value) return false;
    if (rung + 1 < rungs && result(trial, rung + 1)) return true;  // it has already
    const int share = count(rung) / factor;
    return place(trial, rung) < (all_came(rung) ? std::max(1, share) : share);
  }
  std::set<std::pair<int, int>> jobs() const {
    std::set<std::pair<int, int>> jobs;
    for (int trial = 0; trial < trials; ++trial) {
      if (!result(trial, 0)) jobs.insert({trial, 0});
      for (int rung = 0; rung + 1 < rungs; ++rung)
        if (goes_on(trial, rung) && !result(trial, rung + 1)) jobs.insert({trial, rung + 1});
    }
    return jobs;
  }
};

}  // namespace

TEST_CASE("sweep: promotions agree with a slow twin, whatever order results come in") {
  int failures = 0, sweeps_to_the_end = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    const int trials = 1 + static_cast<int>(rng.below(14)), rungs = 1 + static_cast<int>(rng.below(3));
    const int factor = 2 + static_cast<int>(rng.below(3));
    const bool larger = rng.below(2) == 0;
    SweepStanding standing(trials, rungs, factor, larger);
    SlowTwin twin{trials, rungs, factor, larger, {}};
    for (;;) {
      const auto jobs = standing.jobs();
      std::set<std::pair<int, int>> mine;
      for (const auto& job : jobs) mine.insert({job.trial, job.rung});
      CHECK(mine.size() == jobs.size());
      CHECK(mine == twin.jobs());
      CHECK(standing.finished() == jobs.empty());
      if (jobs.empty()) break;
      // The most urgent ones are promotions, from the highest rung down.
      CHECK(std::is_sorted(jobs.begin(), jobs.end(), [](auto& a, auto& b) { return a.rung > b.rung; }));
      const auto& job = jobs[rng.below(jobs.size())];
      SweepResult result{.trial = job.trial, .rung = job.rung, .steps = 10};
      if (rng.below(8) == 0) ++failures;
      else result.value = static_cast<double>(rng.below(6));  // with ties
      standing.add(result);
      twin.results.push_back(result);
    }
    // Unless the best of a rung failed on its way up, somebody came to the end.
    const auto best = standing.best();
    sweeps_to_the_end += best && best->rung == rungs - 1;
    std::set<int> ranked;
    for (const auto& place : standing.ranking()) ranked.insert(place.latest.trial);
    CHECK(static_cast<int>(ranked.size()) == trials);
  }
  CHECK(failures > 50);
  CHECK(sweeps_to_the_end > 30);
}

TEST_CASE("sweep: nobody waits for stragglers, and what has begun is finished") {
  SweepStanding standing(8, 2, 4, true);
  for (int trial = 1; trial < 5; ++trial) standing.add({.trial = trial, .rung = 0, .steps = 1, .value = trial});
  // Trial 0 is still at it; of four results the best goes on.
  CHECK(standing.jobs().front() == SweepStanding::Job{4, 1});
  standing.begun(4, 1);
  for (int trial = 5; trial < 8; ++trial) standing.add({.trial = trial, .rung = 0, .steps = 1, .value = 10 * trial});
  // The seventh result makes another one the best, but whoever began goes on.
  const auto jobs = standing.jobs();
  CHECK(jobs == std::vector<SweepStanding::Job>{{7, 1}, {4, 1}, {0, 0}});
}

TEST_CASE("sweep: who came further ranks higher, failures last, and a sweep of failures ends") {
  SweepStanding standing(4, 2, 2, false);
  standing.add({.trial = 0, .rung = 0, .steps = 5, .value = 3.0});
  standing.add({.trial = 1, .rung = 0, .steps = 5, .value = 1.0});
  standing.add({.trial = 2, .rung = 0, .steps = 2, .failure = "step 3: nothing"});
  standing.add({.trial = 3, .rung = 0, .steps = 5, .value = 2.0});
  standing.add({.trial = 1, .rung = 1, .steps = 9, .value = 2.5});
  std::vector<int> order;
  for (const auto& place : standing.ranking()) order.push_back(place.latest.trial);
  CHECK(order == std::vector<int>{1, 3, 0, 2});
  CHECK(standing.best()->value == 2.5);

  SweepStanding hopeless(2, 3, 4, true);
  for (int trial = 0; trial < 2; ++trial) hopeless.add({.trial = trial, .rung = 0, .failure = "no"});
  CHECK(hopeless.finished());
  CHECK_FALSE(hopeless.best());
}
