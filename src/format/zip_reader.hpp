#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "format/byte_source.hpp"

namespace ganvas::format {

/// A file of a zip archive.
struct ZipEntry {
  std::uint64_t offset = 0, length = 0;
  std::uint64_t packed_length = 0;     ///< in the archive; `length` unless compressed
  bool compressed = false;             ///< by deflate
  std::optional<std::uint32_t> crc32;  ///< absent when the writer left it out (0)
};

/// The directory of a zip or zip64 archive. Throws Error(model) unless every entry is stored or deflated, lies within
/// the file and overlaps no other.
std::map<std::string, ZipEntry> read_zip_directory(const ByteSource& source);
/// Throws Error(model) for compressed entries: torch.save has none, and what isn't compressed can't grow.
void refuse_compressed(const ByteSource& source, const std::map<std::string, ZipEntry>& entries);
[[noreturn]] void refuse_as_compressed(const ByteSource& source, const std::string& name);

std::uint32_t checksum(std::span<const std::uint8_t> bytes);

}  // namespace ganvas::format
