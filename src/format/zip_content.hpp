#pragma once

#include <string>

#include "format/zip_reader.hpp"

namespace ganvas::format {

/// The content of an entry, unpacked and compared with its checksum. Throws Error(model) beyond `longest` bytes, before
/// anything is unpacked.
std::string read_entry(const ByteSource& source, const std::string& name, const ZipEntry& entry, std::uint64_t longest);

}  // namespace ganvas::format
