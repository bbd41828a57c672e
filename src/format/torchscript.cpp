#include "ganvas/format/torchscript.hpp"

#include <zlib.h>

#include "format/pth_reader.hpp"
#include "format/zip_reader.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

using format::ByteSource;
using format::ZipEntry;

/// Programs have kilobytes; what grows beyond this while it is unpacked is an attack.
constexpr std::uint64_t longest_sources = 64 << 20;

std::string unpacked(const ByteSource& source, const std::string& name, const ZipEntry& entry) {
  std::string packed = source.read_text(entry.offset, entry.packed_length);
  if (!entry.compressed) return packed;
  std::string text(entry.length, '\0');
  z_stream stream{};
  // Negative: without zlib's own header.
  if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int state = ::inflate(&stream, Z_FINISH);
  ::inflateEnd(&stream);
  if (state != Z_STREAM_END || stream.total_out != text.size())
    fail(ErrorKind::model, "{}: damaged: {} can't be unpacked; download it again", source.name(),
         format::in_quotes(name));
  return text;
}

}  // namespace

bool is_torchscript(const std::filesystem::path& path) {
  try {
    const format::FileSource source(path);
    if (!format::is_zip(source)) return false;
    const auto entries = format::read_zip_directory(source);
    return format::holds_torchscript(entries);
  } catch (const Error&) {
    return false;
  }
}

std::string torchscript_sources(const std::filesystem::path& path) {
  const format::FileSource source(path);
  std::string text;
  for (const auto& [name, entry] : format::read_zip_directory(source)) {
    if (!name.ends_with(".py")) continue;
    if (entry.length > longest_sources - text.size() || entry.packed_length > longest_sources)
      fail(ErrorKind::model, "{}: refused: its program is too long", source.name());
    text += unpacked(source, name, entry) + "\n";
  }
  return text;
}

}  // namespace ganvas
