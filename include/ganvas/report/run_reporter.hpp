#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Pictures of one validation input, e.g. "lr" (enlarged to the result's size), "result" and "hr". All cells of a row
/// have the same size. Any depth; they are shown and kept with 8 bits.
struct SampleRow {
  std::string name;
  std::vector<std::pair<std::string, Image>> cells;
};

/// Shows a run in its folder while it goes on: samples/step_00001000/<row>-<cell>.png, TensorBoard's event files and
/// report.html, one self-contained page. What the page says follows from the folder alone (log.jsonl, recipe.toml,
/// samples/), so that a resumed run's page, and one rebuilt later, are the same.
///
/// Memory, time an update and the page's size stay bounded for a run of any length: a curve has at most 400 points
/// (each with the mean, least and greatest value it stands for), at most 64 curves, 200 events, and sample pictures of
/// at most 13 steps and 4 rows (400 pixels a side and 48 KiB each; of earlier steps only the result). The page stays
/// below 8 MiB, usually below 3. All files of samples/ stay.
class RunReporter {
 public:
  /// `run` is the run's folder, which exists. With `resumed_step` > 0, what log.jsonl holds up to that step is taken in
  /// first. Sample folders of later steps are removed. A new event file is begun; TensorBoard drops from the older ones
  /// what lies behind the resumed step. A run that goes back to an earlier step takes a new reporter with that step.
  /// An empty title stands for the folder's name.
  RunReporter(const std::filesystem::path& run, std::int64_t resumed_step, std::string title);
  ~RunReporter();
  RunReporter(const RunReporter&) = delete;
  RunReporter& operator=(const RunReporter&) = delete;

  /// Scalars of one kind ("train", "validation", "monitor") after `step` steps; call it with what goes into log.jsonl.
  /// "seconds" and "wait_share" of "train" go into the status line, the rest into charts: names with a common prefix
  /// before a dot share one, and so do all that end in ".rate", ".gradient_norm", ".diversity", ".separation" and the
  /// like. Values that aren't finite are counted and marked.
  void scalars(const std::string& kind, std::int64_t step, const std::map<std::string, double>& values);

  /// What the monitor saw: in log.jsonl the line {"kind":"monitor","step":..,"signal":..,"value":..,"action":..,
  /// "text":..}. The value becomes a point of the signal's curve, where it isn't one of "train" already; unless the
  /// action is "" or "none" it is marked on all curves and listed.
  void event(std::int64_t step, const std::string& signal, double value, const std::string& action,
             const std::string& text);

  /// Writes the pictures below samples/ (by rename) and into the event file. Characters of names that don't belong into
  /// a file's name become '_'. Throws Error(file).
  void pictures(std::int64_t step, const std::vector<SampleRow>& rows);

  /// Writes report.html by rename. Throws Error(file).
  void update();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Writes the page of a run from its folder alone. Damaged lines of log.jsonl and unreadable sample pictures are named
/// in warnings and left out. Throws Error(file) when the folder is no run's.
void rebuild_run_report(const std::filesystem::path& run, const std::filesystem::path& out);

}  // namespace ganvas
