#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "ganvas/infer/batch.hpp"

namespace ganvas {

/// The files of folders, seen again and again. By looking, not by the system's notices, which network folders and
/// shared ones of virtual machines don't send.
class WatchedFolders {
 public:
  explicit WatchedFolders(const BatchOptions& options) : options_(options) {}
  /// Files to do: since the last call they have kept size and time, so that whoever writes them is through, and they
  /// are new or have become others since they were handed out.
  std::set<std::filesystem::path> settled();
  /// Whether a file that settled() gave now was handed out before, as another.
  bool is_again(const std::filesystem::path& path) const { return again_.contains(path); }

 private:
  struct Look {
    std::uintmax_t size = 0;
    std::filesystem::file_time_type time;
    bool operator==(const Look&) const = default;
  };
  std::map<std::filesystem::path, Look> look() const;

  const BatchOptions& options_;
  std::map<std::filesystem::path, Look> last_, handed_out_;
  std::set<std::filesystem::path> again_;
};

using RunJobs = std::function<BatchSummary(const BatchOptions& options, std::vector<BatchJob> jobs)>;

/// run_batch() for as long as nobody interrupts it and `out` takes results: what comes into the folders is done as soon
/// as it is whole. An interruption while nothing is at work is the ordinary end.
BatchSummary watch_batch(const BatchOptions& options, const RunJobs& run_jobs, const std::ostream& out);

}  // namespace ganvas
