// WebP's chunks (RFC 9649): ICCP, EXIF and XMP, announced by VP8X.
#include "metadata/containers.hpp"

namespace ganvas::metadata {

namespace {

using namespace std::string_view_literals;

void append_riff_chunk(Bytes& out, std::string_view type, View data) {
  if (data.empty()) return;
  append(out, type);
  append_little_endian(out, data.size(), 4);
  append(out, data);
  if (data.size() % 2) out.push_back(0);
}

/// Width - 1, height - 1 (3 bytes each) and whether there is alpha, from a file's first chunk.
struct Canvas {
  std::uint64_t width = 0, height = 0;
  bool alpha = false;
};
Canvas read_canvas(View chunk) {
  const View data = part(chunk, 8);
  if (marked(chunk, 0, "VP8X"))
    return {little_endian(data, 4, 3), little_endian(data, 7, 3), (little_endian(data, 0, 1) & 0x10) != 0};
  if (marked(chunk, 0, "VP8L")) {
    const std::uint64_t bits = little_endian(data, 1, 4);
    return {bits & 0x3fff, bits >> 14 & 0x3fff, (bits >> 28 & 1) != 0};
  }
  return {(little_endian(data, 6, 2) & 0x3fff) - 1, (little_endian(data, 8, 2) & 0x3fff) - 1, false};
}

}  // namespace

Blocks read_webp(View encoded) {
  Blocks blocks;
  Metadata& metadata = blocks.metadata;
  encoded = part(encoded, 0, 8 + little_endian(encoded, 4, 4));
  for (std::uint64_t at = 12; at + 8 <= encoded.size();) {
    const std::uint64_t length = little_endian(encoded, at + 4, 4);
    const View data = part(encoded, at + 8, length);
    if (data.size() != length) break;
    if (marked(encoded, at, "ICCP") && metadata.icc.empty()) metadata.icc.assign(data.begin(), data.end());
    if (marked(encoded, at, "XMP ") && metadata.xmp.empty()) metadata.xmp = text_of(data);
    if (marked(encoded, at, "EXIF") && metadata.exif.empty())
      append(metadata.exif, marked(data, 0, "Exif\0\0"sv) ? data.subspan(6) : data);
    at += 8 + length + length % 2;
  }
  return blocks;
}

Bytes insert_into_webp(View encoded, const Insertion& insertion) {
  const Metadata& metadata = insertion.metadata;
  if (!metadata.iptc.empty()) insertion.dropped.push_back("WebP can't hold IPTC");
  if (!metadata.comments.empty()) insertion.dropped.push_back("WebP can't hold comments");
  drop_png_chunks(insertion, "WebP");
  if (metadata.icc.empty() && metadata.exif.empty() && metadata.xmp.empty()) return {encoded.begin(), encoded.end()};

  View chunks = encoded.subspan(12);
  const Canvas canvas = read_canvas(chunks);
  if (marked(chunks, 0, "VP8X")) chunks = chunks.subspan(8 + 10);
  Bytes header;
  append_little_endian(header,
                       (metadata.icc.empty() ? 0U : 0x20U) | (canvas.alpha ? 0x10U : 0U) |
                           (metadata.exif.empty() ? 0U : 0x08U) | (metadata.xmp.empty() ? 0U : 0x04U),
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
  for (std::size_t i = 0; i < 4; ++i) out[4 + i] = static_cast<std::uint8_t>(size >> 8 * i);
  return out;
}

}  // namespace ganvas::metadata
