#include "train/loop/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "ganvas/core/setting_error.hpp"

namespace ganvas {

FolderLock::FolderLock(const std::filesystem::path& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) fail(ErrorKind::file, "{}: can't create: {}", folder.string(), error.message());
  file_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file_ >= 0 && ::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(std::exchange(file_, -1));
    fail_setting(ErrorKind::usage, "out", "{}: another process trains in this folder", folder.string());
  }
  if (made) made_ = folder;
}

FolderLock::~FolderLock() {
  std::error_code ignored;
  if (!made_.empty()) std::filesystem::remove(made_, ignored);  // only if it is empty
  if (file_ >= 0) ::close(file_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : made_(std::exchange(other.made_, {})), file_(std::exchange(other.file_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(made_, other.made_);
  std::swap(file_, other.file_);
  return *this;
}

}  // namespace ganvas
