#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/setting_error.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

constexpr std::string_view temporary_begin = ".ganvas-", temporary_end = ".part";

bool is_temporary_name(std::string_view name) {
  if (!name.starts_with(temporary_begin) || !name.ends_with(temporary_end)) return false;
  name.remove_prefix(temporary_begin.size());
  name.remove_suffix(temporary_end.size());
  return name.size() == 16 && name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A short name of our own: the target's may already be as long as the file system allows. Random: a killed process
/// with the same number, in a container or on another host, may have left its file here.
std::string temporary_name(int attempt) {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) random = static_cast<std::uint64_t>(::getpid());
  return fmt::format("{}{:016x}{}", temporary_begin, random + static_cast<std::uint64_t>(attempt), temporary_end);
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

/// What a chain of links ends at, whether it exists or not.
fs::path behind_links(fs::path path) {
  std::error_code error;
  for (int step = 0; step < 40; ++step) {
    const fs::path next = fs::read_symlink(path, error);
    if (error) return path;
    path = next.is_absolute() ? next : path.parent_path() / next;
  }
  return path;
}

/// Whether locks of other hosts may be unseen here: file systems of networks, and of programs that may be such.
bool is_shared_file_system(const fs::path& folder) {
  constexpr std::array<std::uint32_t, 9> network{0x6969,     0xff534d42, 0xfe534d42, 0x517b,    0x0bd00bd0,
                                                 0x65735546, 0x00c36400, 0x01021997, 0x47504653};
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) return true;
  return std::find(network.begin(), network.end(), static_cast<std::uint32_t>(info.f_type)) != network.end();
}

/// Whether no living process has the file: then it is ours to remove, and locked until the descriptor is closed.
bool take_abandoned(int descriptor, const fs::path& path, std::time_t youngest) {
  struct stat open_file {
  }, named{};
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 || ::fstat(descriptor, &open_file) != 0) return false;
  return S_ISREG(open_file.st_mode) && open_file.st_mtime <= youngest && ::lstat(path.c_str(), &named) == 0 &&
         named.st_ino == open_file.st_ino && named.st_dev == open_file.st_dev;
}

/// Folders that this process has swept: once is enough.
void sweep_once(const fs::path& folder) {
  static std::mutex mutex;
  static std::set<fs::path> swept;
  {
    const std::lock_guard lock(mutex);
    if (!swept.insert(folder).second) return;
  }
  sweep_temporary_files(folder);
}

}  // namespace

void sweep_temporary_files(const fs::path& folder) {
  constexpr std::time_t day = 24 * 60 * 60;
  std::error_code error;
  std::vector<fs::path> found;
  fs::directory_iterator entries(folder, error);
  for (const fs::directory_iterator end; !error && entries != end; entries.increment(error))
    if (is_temporary_name(entries->path().filename().native())) found.push_back(entries->path());
  if (found.empty()) return;
  const std::time_t youngest = std::time(nullptr) - (is_shared_file_system(folder) ? day : -day);
  for (const auto& path : found) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) continue;
    if (take_abandoned(descriptor, path, youngest)) ::unlink(path.c_str());
    ::close(descriptor);
  }
}

bool is_stream(const fs::path& path) {
  const std::string& name = path.native();
  if (name == "/dev/stdout" || name == "/dev/stderr" || name.starts_with("/dev/fd/") ||
      name.starts_with("/proc/self/fd/"))
    return true;
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  if (is_stream(target_)) {
    open_stream();
    return;
  }
  place_ = behind_links(target_);
  sweep_once(folder_of(place_));
  open_temporary();
}

void AtomicFile::open_stream() {
  const InterruptibleCall interruptible;
  while ((descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC)) < 0 && errno == EINTR) throw_if_interrupted();
  if (descriptor_ < 0) fail_with_errno("can't write");
}

void AtomicFile::open_temporary() {
  for (int attempt = 0; attempt < 8 && descriptor_ < 0; ++attempt) {
    temporary_ = place_.parent_path() / temporary_name(attempt);
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) break;
    if (descriptor_ < 0) continue;
    // Locked, so that no sweep takes it; one that came before the lock has taken it already.
    struct stat status {};
    ::flock(descriptor_, LOCK_EX | LOCK_NB);
    if (::fstat(descriptor_, &status) == 0 && status.st_nlink == 0) {
      ::close(descriptor_);
      descriptor_ = -1;
      errno = EEXIST;
    }
  }
  if (descriptor_ < 0) {
    const int error = errno;
    temporary_.clear();
    errno = error;
    fail_with_errno("can't write");
  }
  struct stat replaced {};
  if (::stat(place_.c_str(), &replaced) != 0 || !S_ISREG(replaced.st_mode)) return;
  // Another owner is root's to give; who may not do that leaves his own. The mode comes last: chown clears bits of it.
  const bool owned = ::fchown(descriptor_, replaced.st_uid, replaced.st_gid) == 0;
  ::fchmod(descriptor_, replaced.st_mode & (owned ? 07777 : 0777));
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AtomicFile::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), 1U << 30));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_with_errno("can't write");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

/// File systems that know neither RENAME_NOREPLACE nor hard links leave a moment in which another's file is replaced.
void AtomicFile::give_name(Existing existing) {
  if (existing == Existing::kept) {
    int error = ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, place_.c_str(), RENAME_NOREPLACE) == 0 ? 0 : errno;
    if (error == 0) return;
    if (error == EINVAL || error == ENOSYS) {
      error = ::link(temporary_.c_str(), place_.c_str()) == 0 ? 0 : errno;
      if (error == 0) {
        ::unlink(temporary_.c_str());
        return;
      }
    }
    if (error == EEXIST || ::access(place_.c_str(), F_OK) == 0)
      fail_setting(ErrorKind::file, "force", "{} exists already", target_.string());
  }
  if (::rename(temporary_.c_str(), place_.c_str()) != 0) fail_with_errno("can't replace");
}

void AtomicFile::commit(Existing existing) {
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail_with_errno("can't write");
  // Closing may be when a server says that it couldn't write; the lock must last until the new name is there.
  const int lock = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  const int closed = ::close(descriptor_);
  descriptor_ = lock;
  if (closed != 0) fail_with_errno("can't write");
  if (temporary_.empty()) return;
  give_name(existing);
  temporary_.clear();
  // The rename itself must reach the disk too; a folder that can't be synced is no reason to fail.
  const int folder = ::open(folder_of(place_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

void AtomicFile::fail_with_errno(const char* action) const {
  fail(ErrorKind::file, "{}: {}: {}", target_.string(), action, std::strerror(errno));
}

void write_file_atomically(const fs::path& target, std::span<const std::uint8_t> bytes, Existing existing) {
  AtomicFile file(target);
  file.write(bytes);
  file.commit(existing);
}

void write_file_atomically(const fs::path& target, std::string_view text) {
  AtomicFile file(target);
  file.write(text);
  file.commit();
}

}  // namespace ganvas
