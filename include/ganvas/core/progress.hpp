#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace ganvas {

/// Progress on stderr: a bar with ETA on a terminal, a plain line every few seconds in a pipe, nothing when the log
/// level is above info. Amounts may be fractions (of a file); total 0 means unknown. Safe from any thread.
class Progress {
 public:
  Progress(std::string label, double total, double start = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `note` is a short text behind the counts (the file at hand, a loss).
  void update(double done, const std::string& note = {});
  /// Takes the bar away until the next update, so that a line on standard output doesn't run into it.
  void clear();
  /// Removes the bar. Called by the destructor too.
  void finish();

 private:
  std::string label_;
  double total_, start_;
  std::chrono::steady_clock::time_point began_, printed_;
  bool terminal_, active_ = true;
};

/// "1:02:03", "2:03", "3 s".
std::string format_duration(double seconds);

}  // namespace ganvas
