#include "format/zip_reader.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ganvas/core/error.hpp"

namespace ganvas::format {
namespace {

// Names of the records as in PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16.
constexpr std::uint32_t kLocalHeader = 0x04034b50, kDirectoryHeader = 0x02014b50, kEnd = 0x06054b50,
                        kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr std::uint64_t kLocalHeaderSize = 30, kDirectoryHeaderSize = 46, kEndSize = 22, kEnd64Size = 56,
                        kEnd64LocatorSize = 20;
constexpr std::uint16_t kExtra64 = 1;

[[noreturn]] void damaged(const ByteSource& source, std::string_view what) {
  fail(ErrorKind::model, "{}: damaged zip archive: {}; download it again", source.name(), what);
}

template <typename Number>
Number number_at(std::string_view bytes, std::uint64_t offset) {
  Number number;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

struct Directory {
  std::uint64_t offset = 0, length = 0, count = 0;
};

/// The end record stands in the last 64 KiB: only a comment may follow it.
std::uint64_t find_end(const ByteSource& source) {
  const std::uint64_t tail_size = std::min<std::uint64_t>(source.size(), kEndSize + 0xffff);
  const std::string tail = source.read_text(source.size() - tail_size, tail_size);
  for (std::uint64_t at = tail_size < kEndSize ? 0 : tail_size - kEndSize + 1; at-- > 0;) {
    if (number_at<std::uint32_t>(tail, at) == kEnd &&
        at + kEndSize + number_at<std::uint16_t>(tail, at + 20) == tail_size)
      return source.size() - tail_size + at;
  }
  damaged(source, "it has no directory at its end, so its last part is missing");
}

Directory find_directory(const ByteSource& source) {
  const std::uint64_t end_offset = find_end(source);
  const std::string end = source.read_text(end_offset, kEndSize);
  Directory directory{number_at<std::uint32_t>(end, 16), number_at<std::uint32_t>(end, 12),
                      number_at<std::uint16_t>(end, 10)};
  std::uint64_t limit = end_offset;
  if (end_offset >= kEnd64LocatorSize) {
    const std::string locator = source.read_text(end_offset - kEnd64LocatorSize, kEnd64LocatorSize);
    if (number_at<std::uint32_t>(locator, 0) == kEnd64Locator) {
      limit = number_at<std::uint64_t>(locator, 8);
      const std::string end64 = source.read_text(limit, kEnd64Size);
      if (number_at<std::uint32_t>(end64, 0) != kEnd64) damaged(source, "its zip64 directory is missing");
      directory = {number_at<std::uint64_t>(end64, 48), number_at<std::uint64_t>(end64, 40),
                   number_at<std::uint64_t>(end64, 32)};
    }
  }
  if (directory.offset > limit || directory.length > limit - directory.offset)
    damaged(source, "its directory reaches outside the file");
  return directory;
}

/// Replaces the numbers that are too large for 32 bits by those of the zip64 extra field.
void apply_zip64(const ByteSource& source, std::string_view extra, std::uint64_t& length, std::uint64_t& packed_length,
                 std::uint64_t& header_offset) {
  while (extra.size() >= 4) {
    const auto id = number_at<std::uint16_t>(extra, 0);
    const std::size_t size = number_at<std::uint16_t>(extra, 2);
    if (size > extra.size() - 4) break;
    std::string_view content = extra.substr(4, size);
    extra.remove_prefix(4 + size);
    if (id != kExtra64) continue;
    for (std::uint64_t* number : {&length, &packed_length, &header_offset}) {
      if (*number != 0xffffffff) continue;
      if (content.size() < 8) damaged(source, "a zip64 entry is incomplete");
      *number = number_at<std::uint64_t>(content, 0);
      content.remove_prefix(8);
    }
    return;
  }
}

/// The data follow the local header, whose name and extra field may be longer than the directory says.
std::uint64_t find_data(const ByteSource& source, const std::string& name, std::uint64_t header_offset) {
  const std::string header = source.read_text(header_offset, kLocalHeaderSize);
  if (number_at<std::uint32_t>(header, 0) != kLocalHeader) damaged(source, "an entry is not where it should be");
  const auto name_length = number_at<std::uint16_t>(header, 26);
  if (source.read_text(header_offset + kLocalHeaderSize, name_length) != name)
    damaged(source, "an entry has two names");
  return header_offset + kLocalHeaderSize + name_length + number_at<std::uint16_t>(header, 28);
}

ZipEntry make_entry(const ByteSource& source, std::string_view header, const std::string& name, std::string_view extra,
                    std::uint64_t data_limit) {
  const auto flags = number_at<std::uint16_t>(header, 8), method = number_at<std::uint16_t>(header, 10);
  std::uint64_t packed_length = number_at<std::uint32_t>(header, 20), length = number_at<std::uint32_t>(header, 24),
                header_offset = number_at<std::uint32_t>(header, 42);
  apply_zip64(source, extra, length, packed_length, header_offset);
  if (flags & 1) fail(ErrorKind::model, "{}: refused: {} is encrypted", source.name(), in_quotes(name));
  constexpr int stored = 0, deflated = 8;
  const bool compressed = method == deflated;
  if (!compressed && (method != stored || packed_length != length)) refuse_as_compressed(source, name);
  ZipEntry entry{find_data(source, name, header_offset), length, packed_length, compressed, {}};
  if (entry.offset > data_limit || packed_length > data_limit - entry.offset)
    damaged(source, "an entry reaches outside the file");
  if (const auto crc = number_at<std::uint32_t>(header, 16); crc != 0) entry.crc32 = crc;
  return entry;
}

void check_overlaps(const ByteSource& source, const std::map<std::string, ZipEntry>& entries) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : entries) ranges.emplace_back(entry.offset, entry.offset + entry.packed_length);
  std::ranges::sort(ranges);
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) damaged(source, "two entries overlap");
  }
}

}  // namespace

void refuse_as_compressed(const ByteSource& source, const std::string& name) {
  fail(ErrorKind::model, "{}: refused: {} is a compressed entry, which torch.save never writes; save it again with it",
       source.name(), in_quotes(name));
}

std::map<std::string, ZipEntry> read_zip_directory(const ByteSource& source) {
  const Directory place = find_directory(source);
  const std::string directory = source.read_text(place.offset, place.length);
  std::map<std::string, ZipEntry> entries;
  constexpr std::uint64_t most = 200'000;
  if (place.count > most) damaged(source, "it has more entries than any model");
  std::string_view rest = directory;
  while (!rest.empty() && entries.size() <= place.count) {
    if (rest.size() < kDirectoryHeaderSize || number_at<std::uint32_t>(rest, 0) != kDirectoryHeader)
      damaged(source, "its directory is unreadable");
    const std::uint64_t name_length = number_at<std::uint16_t>(rest, 28),
                        extra_length = number_at<std::uint16_t>(rest, 30),
                        comment_length = number_at<std::uint16_t>(rest, 32),
                        size = kDirectoryHeaderSize + name_length + extra_length + comment_length;
    if (rest.size() < size) damaged(source, "its directory is unreadable");
    const std::string name(rest.substr(kDirectoryHeaderSize, name_length));
    const std::string_view extra = rest.substr(kDirectoryHeaderSize + name_length, extra_length);
    if (!entries.emplace(name, make_entry(source, rest, name, extra, place.offset)).second)
      damaged(source, "an entry stands twice in its directory");
    rest.remove_prefix(size);
  }
  if (entries.size() != place.count) damaged(source, "its directory has lost entries");
  check_overlaps(source, entries);
  return entries;
}

void refuse_compressed(const ByteSource& source, const std::map<std::string, ZipEntry>& entries) {
  for (const auto& [name, entry] : entries)
    if (entry.compressed) refuse_as_compressed(source, name);
}

std::uint32_t checksum(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, bytes.data(), bytes.size()));
}

}  // namespace ganvas::format
