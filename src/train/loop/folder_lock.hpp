#pragma once

#include <filesystem>

namespace ganvas {

/// A run's folder, held by one process until that ends, however it ends: the kernel drops the lock of a dead process. A
/// folder that is still empty then, and that the lock has made, goes with it.
class FolderLock {
 public:
  FolderLock() = default;
  /// Makes the folder where there is none. Throws SettingError(usage, "out") where another process holds it,
  /// Error(file) where it can't be made. File systems without locks: as if nobody held it.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;

 private:
  std::filesystem::path made_;
  int file_ = -1;
};

}  // namespace ganvas
