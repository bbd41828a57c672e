#include "ganvas/sweep/standing.hpp"

#include <algorithm>

namespace ganvas {

void SweepStanding::add(const SweepResult& result) {
  if (result.rung >= 0 && static_cast<std::size_t>(result.rung) < results_.size() && result.trial < trials_)
    results_[static_cast<std::size_t>(result.rung)].try_emplace(result.trial, result);
}

void SweepStanding::begun(int trial, int rung) {
  auto& highest = begun_.try_emplace(trial, rung).first->second;
  highest = std::max(highest, rung);
}

bool SweepStanding::better(const SweepResult& a, const SweepResult& b) const {
  if (a.value.has_value() != b.value.has_value()) return a.value.has_value();
  if (a.value && *a.value != *b.value) return larger_ ? *a.value > *b.value : *a.value < *b.value;
  return a.trial < b.trial;
}

std::vector<int> SweepStanding::promoted(std::size_t rung, bool closed) const {
  std::vector<SweepResult> order;
  for (const auto& [trial, result] : results_[rung]) order.push_back(result);
  std::sort(order.begin(), order.end(), [this](const auto& a, const auto& b) { return better(a, b); });
  const std::size_t share = std::max<std::size_t>(order.size() / static_cast<std::size_t>(factor_), closed ? 1 : 0);
  std::vector<int> trials;
  for (std::size_t i = 0; i < order.size() && order[i].value; ++i) {
    const auto begun = begun_.find(order[i].trial);
    if (i < share || (begun != begun_.end() && begun->second > static_cast<int>(rung)))
      trials.push_back(order[i].trial);
  }
  return trials;
}

bool SweepStanding::closed(std::size_t rung) const {
  if (rung == 0) return count(0) == trials_;
  if (!closed(rung - 1)) return false;
  const auto coming = promoted(rung - 1, true);
  return std::all_of(coming.begin(), coming.end(), [&](int trial) { return results_[rung].contains(trial); });
}

std::vector<SweepStanding::Job> SweepStanding::jobs() const {
  std::vector<Job> jobs;
  for (std::size_t rung = results_.size() - 1; rung > 0; --rung)
    for (const int trial : promoted(rung - 1, closed(rung - 1)))
      if (!results_[rung].contains(trial)) jobs.push_back({trial, static_cast<int>(rung)});
  for (int trial = 0; trial < trials_; ++trial)
    if (!results_[0].contains(trial)) jobs.push_back({trial, 0});
  return jobs;
}

bool SweepStanding::finished() const { return closed(results_.size() - 1); }

std::vector<SweepPlace> SweepStanding::ranking() const {
  std::map<int, SweepPlace> places;
  for (const auto& rung : results_)
    for (const auto& [trial, result] : rung) places[trial].latest = result;
  std::vector<SweepPlace> order;
  for (const auto& [trial, place] : places) order.push_back(place);
  std::sort(order.begin(), order.end(), [this](const SweepPlace& a, const SweepPlace& b) {
    if (a.failed() != b.failed()) return b.failed();
    if (a.latest.rung != b.latest.rung) return a.latest.rung > b.latest.rung;
    return better(a.latest, b.latest);
  });
  return order;
}

std::optional<SweepResult> SweepStanding::best() const {
  const auto order = ranking();
  if (order.empty() || order.front().failed()) return std::nullopt;
  return order.front().latest;
}

}  // namespace ganvas
