#pragma once

#include <mutex>
#include <optional>
#include <ostream>
#include <string>

#include "ganvas/core/progress.hpp"
#include "ganvas/infer/batch.hpp"

namespace ganvas {

/// What became of one file.
struct BatchOutcome {
  std::string status;  ///< done, skipped, planned, failed
  cv::Size input_size, output_size;
  double seconds = 0;
  std::string error;
  std::map<std::string, std::string> facts{};  ///< of this picture alone
};

/// Collects outcomes from the pipeline's threads and prints them in the command's form.
class BatchReport {
 public:
  BatchReport(const BatchOptions& options, std::string verb, int total, std::ostream& out);
  void add(const BatchJob& job, const BatchOutcome& outcome);
  /// Finished share of the file at hand.
  void progress(const BatchJob& job, double share);
  /// Removes the bar and logs the totals.
  BatchSummary finish(double seconds);
  bool any_failed() const;
  /// Nobody reads the results any more (a closed pipe, a full disk).
  bool output_broken() const;

 private:
  void print(const BatchJob& job, const BatchOutcome& outcome);
  const BatchOptions& options_;
  int total_;
  std::ostream& out_;
  BatchSummary summary_;
  Progress progress_;
  mutable std::mutex mutex_;
};

}  // namespace ganvas
