#pragma once

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "ganvas/train/task.hpp"

namespace ganvas {

/// log.jsonl of a run: a line a report. On resuming, lines beyond the resumed step are cut off, so that the file reads
/// as that of one run.
class RunLog {
 public:
  RunLog(const std::filesystem::path& path, std::int64_t resumed_step);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;
  /// What the monitor saw and did.
  void write_event(std::int64_t step, const std::string& signal, double value, const std::string& action,
                   const std::string& text);
  void write(const std::string& kind, std::int64_t step, const Scalars& values);

 private:
  void append(const std::string& line);
  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

/// Means of scalars between two reports.
class MeanScalars {
 public:
  void add(const std::string& prefix, const Scalars& values);
  Scalars take();
  /// The sums to the last bit, for a checkpoint that comes between two reports; and back. Anything else than such a
  /// text is no sums at all.
  std::string text() const;
  static MeanScalars from(const std::string& text);

 private:
  std::map<std::string, std::pair<double, std::int64_t>> sums_;
};

}  // namespace ganvas
