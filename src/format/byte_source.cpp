#include "format/byte_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ganvas/core/error.hpp"

namespace ganvas::format {

void ByteSource::read(std::uint64_t offset, void* into, std::uint64_t length) const {
  if (offset > size() || length > size() - offset) {
    fail(ErrorKind::model, "{}: damaged: {} bytes wanted at byte {}, but the file ends at {}; download it again", name_,
         length, offset, size());
  }
  if (length > 0) do_read(offset, into, length);
}

std::string ByteSource::read_text(std::uint64_t offset, std::uint64_t length) const {
  // Checked before the allocation: a hostile length must not even ask for the memory.
  if (offset > size() || length > size() - offset) read(offset, nullptr, length);
  std::string text(length, '\0');
  read(offset, text.data(), length);
  return text;
}

FileSource::FileSource(const std::filesystem::path& path) : ByteSource(path.string()) {
  // Non-blocking, or opening a named pipe would wait for its writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    const int reason = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    fail(ErrorKind::file, "{}: can't be opened: {}", name(), std::strerror(reason));
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    fail(ErrorKind::file, "{}: is not a regular file", name());
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

FileSource::~FileSource() { ::close(descriptor_); }

void FileSource::do_read(std::uint64_t offset, void* into, std::uint64_t length) const {
  auto* out = static_cast<char*>(into);
  while (length > 0) {
    const std::size_t piece = std::min<std::uint64_t>(length, std::uint64_t{1} << 30);
    const ssize_t got = ::pread(descriptor_, out, piece, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(ErrorKind::file, "{}: can't be read: {}", name(), std::strerror(errno));
    if (got == 0) fail(ErrorKind::file, "{}: became shorter while it was read", name());
    out += got;
    offset += static_cast<std::uint64_t>(got);
    length -= static_cast<std::uint64_t>(got);
  }
}

void MemorySource::do_read(std::uint64_t offset, void* into, std::uint64_t length) const {
  std::memcpy(into, bytes_.data() + offset, length);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 120;
  std::string result = "'";
  for (const char c : text.substr(0, longest)) result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  result += text.size() > longest ? "...'" : "'";
  return result;
}

}  // namespace ganvas::format
