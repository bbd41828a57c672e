#include "fetch/partial_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/log.hpp"

namespace fs = std::filesystem;

namespace ganvas {

std::string megabytes(std::uint64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

PartialFile::PartialFile(fs::path target, std::string url) : target_(std::move(target)), url_(std::move(url)) {
  const std::string name = "." + target_.filename().string() + ".part";
  path_ = target_.parent_path() / name;
  note_ = target_.parent_path() / (name + ".json");
  std::error_code error;
  if (target_.has_parent_path()) fs::create_directories(target_.parent_path(), error);
  if (error) fail(ErrorKind::file, "{}: can't make the folder: {}", target_.parent_path().string(), error.message());
  open_locked();
  read_note();
}

PartialFile::~PartialFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) {
    ::unlink(path_.c_str());
    ::unlink(note_.c_str());
  }
  ::close(descriptor_);
}

/// The lock goes with the open file, so that a killed process leaves none behind.
void PartialFile::open_locked() {
  for (;;) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail_with_errno("can't write");
    // Some network file systems have no locks; there two processes must not meet.
    const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    struct stat ours {
    }, there{};
    // The holder before may have renamed or removed the file that was opened here.
    if (locked && ::fstat(descriptor_, &ours) == 0 && ::stat(path_.c_str(), &there) == 0 &&
        ours.st_ino == there.st_ino && ours.st_dev == there.st_dev) {
      size_ = static_cast<std::uint64_t>(ours.st_size);
      return;
    }
    ::close(descriptor_);
    descriptor_ = -1;
    if (!locked && !waited_) log(LogLevel::info, "{}: another process is fetching it, waiting", target_.string());
    waited_ |= !locked;
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(locked ? 1 : 100));
  }
}

/// Only bytes of a known origin are worth going on from.
void PartialFile::read_note() {
  if (size_ == 0) return;
  nlohmann::json note;
  try {
    const Bytes bytes = read_file(note_, 1U << 20);
    note = nlohmann::json::parse(bytes.begin(), bytes.end());
    if (note.at("url") == url_) {
      version_ = note.at("version").get<std::string>();
      total_ = note.at("total").get<std::uint64_t>();
      if (total_ == 0 || size_ <= total_) return;
    }
  } catch (const std::exception&) {  // absent, damaged or of another program
  }
  version_.clear();
  total_ = size_ = 0;
  if (::ftruncate(descriptor_, 0) != 0) fail_with_errno("can't write");
}

void PartialFile::check_space(std::uint64_t total) const {
  struct statvfs disk {};
  if (total <= size_ || ::fstatvfs(descriptor_, &disk) != 0) return;
  const std::uint64_t free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (free < total - size_)
    fail(ErrorKind::file, "{}: {} more needed, but only {} free: make room and run again", target_.string(),
         megabytes(total - size_), megabytes(free));
}

void PartialFile::begin(const std::string& version, std::uint64_t total) {
  if (::ftruncate(descriptor_, 0) != 0) fail_with_errno("can't write");
  size_ = 0;
  version_ = version;
  total_ = total;
  check_space(total);
  const nlohmann::json note{{"url", url_}, {"version", version_}, {"total", total_}};
  // A server may send any bytes as its version.
  write_file_atomically(note_, json_line(note));
}

void PartialFile::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_with_errno("can't write");
    size_ += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void PartialFile::commit() {
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail_with_errno("can't write");
  if (::rename(path_.c_str(), target_.c_str()) != 0) fail_with_errno("can't replace");
  ::unlink(note_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

void PartialFile::discard() {
  ::unlink(path_.c_str());
  ::unlink(note_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

void PartialFile::fail_with_errno(const char* action) const {
  const int error = errno;
  const char* advice =
      error == ENOSPC || error == EDQUOT || error == EFBIG ? ": make room and run again, what has arrived is kept" : "";
  fail(ErrorKind::file, "{}: {}: {}{}", target_.string(), action, std::strerror(error), advice);
}

}  // namespace ganvas
