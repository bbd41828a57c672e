#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ganvas/sweep/plan.hpp"
#include "ganvas/sweep/standing.hpp"

namespace ganvas {

/// What makes a sweep this one: workers with another one are refused.
struct SweepIdentity {
  std::string plan;                                         ///< SWEEP.toml with its defaults (Recipe::resolved)
  std::string recipe;                                       ///< the recipe with [set] and its defaults
  std::vector<std::pair<std::string, std::string>> places;  ///< of the data, by option
};

/// The files of a sweep, which all its workers share; all appear by rename:
///   sweep.json         what it is
///   claims/            who works on what (see ClaimBoard)
///   trials/0003/       the run of trial 3, repeats/0/ that of the best's first repeat
///   results/           a file for each trial and rung, and for each repeat
///   report.html        the page
///   best.toml          the best trial's recipe, once it is known
class SweepFolder {
 public:
  explicit SweepFolder(std::filesystem::path path) : path_(std::move(path)) {}

  /// Whether a sweep is there already. Throws Error(usage) where something else is, or where it is another one, which
  /// names the first difference.
  bool holds(const Recipe& plan, const Recipe& recipe, const SweepIdentity& identity) const;
  /// Makes the folder and writes what the sweep is.
  void create(const SweepIdentity& identity) const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path claims() const { return path_ / "claims"; }
  std::filesystem::path trial(int number) const;
  std::filesystem::path repeat(int number) const;

  void record(const SweepResult& result) const;
  void record_repeat(const SweepResult& result) const;
  /// What all workers have recorded so far. Files don't change; only new ones are read.
  const std::vector<SweepResult>& results();
  const std::vector<SweepResult>& repeats();

 private:
  void read_new();

  std::filesystem::path path_;
  std::map<std::string, bool> read_;
  std::vector<SweepResult> results_, repeats_;
};

}  // namespace ganvas
