#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace ganvas::test {

/// Folder of reference weights and test pictures (not part of the repository).
inline std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("GANVAS_SHARED_DIR"); folder && *folder) return folder;
  return GANVAS_SHARED_DIR;
}

/// A folder of this test's own, gone at the end of the scope. In memory where the system offers that: many small files,
/// each synced, would wait for the disk.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const bool in_memory = !std::getenv("TMPDIR") && ::access("/dev/shm", W_OK | X_OK) == 0;
    const std::filesystem::path base = in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (base / "ganvas-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) std::abort();
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace ganvas::test

/// Ends a test case that needs a file outside the repository; ctest then reports it as skipped.
#define SKIP_WITHOUT(path_)                                                               \
  do {                                                                                    \
    if (!std::filesystem::exists(path_)) {                                                \
      std::printf("[skipped] needs %s\n", std::filesystem::path(path_).string().c_str()); \
      return;                                                                             \
    }                                                                                     \
  } while (false)
