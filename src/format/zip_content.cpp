#include "format/zip_content.hpp"

#include <zlib.h>

#include <new>

#include "ganvas/core/error.hpp"

namespace ganvas::format {
namespace {

std::string inflated(const ByteSource& source, const std::string& name, std::string packed, std::uint64_t length) {
  std::string text(length, '\0');
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
    fail(ErrorKind::model, "{}: damaged: {} can't be unpacked; download it again", source.name(), in_quotes(name));
  return text;
}

}  // namespace

std::string read_entry(const ByteSource& source, const std::string& name, const ZipEntry& entry,
                       std::uint64_t longest) {
  if (entry.length > longest || entry.packed_length > longest)
    fail(ErrorKind::model, "{}: refused: {} is too long", source.name(), in_quotes(name));
  std::string text = source.read_text(entry.offset, entry.packed_length);
  if (entry.compressed) text = inflated(source, name, std::move(text), entry.length);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (entry.crc32 && checksum(bytes) != *entry.crc32)
    fail(ErrorKind::model, "{}: damaged: the checksum of {} is wrong; download it again", source.name(),
         in_quotes(name));
  return text;
}

}  // namespace ganvas::format
