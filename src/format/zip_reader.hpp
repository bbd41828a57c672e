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

/// torch.save compresses nothing, and what isn't compressed can't grow; torch.jit.save compresses its sources.
enum class Compression { refused, allowed };

/// The directory of a zip or zip64 archive. Throws Error(model) unless every entry is stored (or compressed where that
/// is allowed), lies within the file and overlaps no other.
std::map<std::string, ZipEntry> read_zip_directory(const ByteSource& source,
                                                   Compression compression = Compression::refused);

std::uint32_t checksum(std::span<const std::uint8_t> bytes);

}  // namespace ganvas::format
