#include "ganvas/core/scratch_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "ganvas/core/error.hpp"
#include "ganvas/core/memory.hpp"

namespace fs = std::filesystem;

namespace ganvas {

ScratchFile::ScratchFile(fs::path folder) : folder_(std::move(folder)) {}

ScratchFile::~ScratchFile() {
  for (const auto& [start, bytes] : pieces_) ::munmap(start, bytes);
  if (file_ >= 0) ::close(file_);
}

void ScratchFile::open() {
  std::error_code error;
  fs::create_directories(folder_, error);
  // O_TMPFILE isn't known to every file system.
  std::string name = (folder_ / ".ganvas-scratch-XXXXXX").string();
  file_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (file_ < 0) fail(ErrorKind::file, "{}: can't create a file: {}", folder_.string(), std::strerror(errno));
  ::unlink(name.c_str());
}

std::uint8_t* ScratchFile::take(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (file_ < 0) open();
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t whole = (bytes + page - 1) / page * page;
  // The room is taken now: a full disk would end the process at the first write.
  if (const int error = ::posix_fallocate(file_, static_cast<off_t>(size_), static_cast<off_t>(whole)); error != 0)
    fail(ErrorKind::file, "{}: no room for {} more of pictures: {}", folder_.string(),
         format_bytes(static_cast<double>(size_ + whole)), std::strerror(error));
  void* start = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file_, static_cast<off_t>(size_));
  if (start == MAP_FAILED)
    fail(ErrorKind::memory, "{}: can't map {} bytes: {}", folder_.string(), whole, std::strerror(errno));
  size_ += whole;
  pieces_.emplace_back(start, whole);
  return static_cast<std::uint8_t*>(start);
}

}  // namespace ganvas
