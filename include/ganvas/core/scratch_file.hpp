#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ganvas {

/// Memory that is a file without a name: the system keeps on disk what doesn't fit, and nothing is left of it however
/// the process ends. Safe from any thread.
class ScratchFile {
 public:
  /// In `folder`, which is made where it is missing; nothing is taken yet.
  explicit ScratchFile(std::filesystem::path folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// `bytes` of it (page aligned, zero), there as long as this object. Throws Error(file) where the disk has no room.
  std::uint8_t* take(std::uint64_t bytes);
  std::uint64_t size() const { return size_; }

 private:
  void open();
  std::filesystem::path folder_;
  std::mutex mutex_;
  int file_ = -1;
  std::uint64_t size_ = 0;
  std::vector<std::pair<void*, std::uint64_t>> pieces_;
};

}  // namespace ganvas
