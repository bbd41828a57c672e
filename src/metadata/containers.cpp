// Metadata blocks into containers. exiv2 0.27 writes EXIF into PNG in a private form, WebP headers with wrong sizes,
// and rewrites whole files for it; to insert a few segments is little work.
#include "metadata/containers.hpp"

#include <zlib.h>

#include <algorithm>
#include <string_view>

namespace ganvas {
namespace {

using namespace std::string_view_literals;
using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

void append(Bytes& out, View bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void append(Bytes& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }
View view_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

void append_big_endian(Bytes& out, std::size_t value, int count) {
  for (int i = count; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
void append_little_endian(Bytes& out, std::size_t value, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
std::size_t little_endian(View bytes, int count) {
  std::size_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

bool begins(View bytes, std::string_view mark) {
  return bytes.size() >= mark.size() && std::ranges::equal(bytes.first(mark.size()), view_of(mark));
}

void append_segment(Bytes& out, int marker, const Bytes& data) {
  constexpr std::size_t longest = 65533;
  if (data.size() > longest) return;
  append_big_endian(out, 0xff00 | marker, 2);
  append_big_endian(out, data.size() + 2, 2);
  append(out, data);
}

Bytes insert_into_jpeg(View encoded, const Metadata& metadata) {
  // Behind the start mark and the JFIF segment, which wants to be first.
  const bool jfif = encoded.size() > 20 && encoded[2] == 0xff && encoded[3] == 0xe0;
  const std::size_t head = jfif ? std::min<std::size_t>(4 + (encoded[4] << 8 | encoded[5]), encoded.size()) : 2;
  Bytes out(encoded.begin(), encoded.begin() + head), data;
  if (!metadata.exif.empty()) {
    append(data, "Exif\0\0"sv);
    append(data, metadata.exif);
    append_segment(out, 0xe1, data);
  }
  if (!metadata.xmp.empty()) {
    data.clear();
    append(data, "http://ns.adobe.com/xap/1.0/\0"sv);
    append(data, metadata.xmp);
    append_segment(out, 0xe1, data);
  }
  constexpr std::size_t piece = 65519;
  const std::size_t pieces = (metadata.icc.size() + piece - 1) / piece;
  for (std::size_t i = 0; i < pieces && pieces <= 255; ++i) {
    data.clear();
    append(data, "ICC_PROFILE\0"sv);
    append_big_endian(data, (i + 1) << 8 | pieces, 2);
    append(data, View(metadata.icc).subspan(i * piece, std::min(piece, metadata.icc.size() - i * piece)));
    append_segment(out, 0xe2, data);
  }
  append(out, encoded.subspan(head));
  return out;
}

void append_png_chunk(Bytes& out, std::string_view type, View data) {
  append_big_endian(out, data.size(), 4);
  const std::size_t start = out.size();
  append(out, type);
  append(out, data);
  append_big_endian(out, crc32_z(0, out.data() + start, out.size() - start), 4);
}

Bytes insert_into_png(View encoded, const Metadata& metadata) {
  constexpr std::size_t head = 8 + 25;  // signature and IHDR
  Bytes out(encoded.begin(), encoded.begin() + head), data;
  if (!metadata.icc.empty()) {
    append(data, "ICC profile\0\0"sv);
    const std::size_t start = data.size();
    uLongf size = compressBound(metadata.icc.size());
    data.resize(start + size);
    if (compress(data.data() + start, &size, metadata.icc.data(), metadata.icc.size()) == Z_OK) {
      data.resize(start + size);
      append_png_chunk(out, "iCCP", data);
    }
  }
  if (!metadata.exif.empty()) append_png_chunk(out, "eXIf", metadata.exif);
  if (!metadata.xmp.empty()) {
    data.clear();
    append(data, "XML:com.adobe.xmp\0\0\0\0\0"sv);
    append(data, metadata.xmp);
    append_png_chunk(out, "iTXt", data);
  }
  append(out, encoded.subspan(head));
  return out;
}

void append_riff_chunk(Bytes& out, std::string_view type, View data) {
  if (data.empty()) return;
  append(out, type);
  append_little_endian(out, data.size(), 4);
  append(out, data);
  if (data.size() % 2) out.push_back(0);
}

/// Width - 1, height - 1 (3 bytes each) and whether there is alpha, from a file's first chunk.
struct Canvas {
  std::size_t width = 0, height = 0;
  bool alpha = false;
};
Canvas read_canvas(View chunk) {
  const View data = chunk.subspan(8);
  if (begins(chunk, "VP8X"))
    return {little_endian(data.subspan(4), 3), little_endian(data.subspan(7), 3), (data[0] & 0x10) != 0};
  if (begins(chunk, "VP8L")) {
    const std::size_t bits = little_endian(data.subspan(1), 4);
    return {bits & 0x3fff, bits >> 14 & 0x3fff, (bits >> 28 & 1) != 0};
  }
  return {(little_endian(data.subspan(6), 2) & 0x3fff) - 1, (little_endian(data.subspan(8), 2) & 0x3fff) - 1, false};
}

Bytes insert_into_webp(View encoded, const Metadata& metadata) {
  View chunks = encoded.subspan(12);
  const Canvas canvas = read_canvas(chunks);
  if (begins(chunks, "VP8X")) chunks = chunks.subspan(8 + 10);
  Bytes header;
  append_little_endian(header,
                       (metadata.icc.empty() ? 0 : 0x20) | (canvas.alpha ? 0x10 : 0) |
                           (metadata.exif.empty() ? 0 : 0x08) | (metadata.xmp.empty() ? 0 : 0x04),
                       4);
  append_little_endian(header, canvas.width, 3);
  append_little_endian(header, canvas.height, 3);

  Bytes out(encoded.begin(), encoded.begin() + 12);
  append_riff_chunk(out, "VP8X", header);
  append_riff_chunk(out, "ICCP", metadata.icc);
  append(out, chunks);
  append_riff_chunk(out, "EXIF", metadata.exif);
  append_riff_chunk(out, "XMP ", view_of(metadata.xmp));
  const std::size_t size = out.size() - 8;
  for (int i = 0; i < 4; ++i) out[4 + i] = static_cast<std::uint8_t>(size >> 8 * i);
  return out;
}

}  // namespace

std::optional<Bytes> insert_blocks(View encoded, const Metadata& metadata) {
  if (begins(encoded, "\xff\xd8\xff"sv)) return insert_into_jpeg(encoded, metadata);
  if (begins(encoded, "\x89PNG"sv) && encoded.size() > 33) return insert_into_png(encoded, metadata);
  if (begins(encoded, "RIFF"sv) && encoded.size() > 30) return insert_into_webp(encoded, metadata);
  return std::nullopt;
}

}  // namespace ganvas
