// Which format is it: by content, by name, and what each can hold.
#include <cctype>
#include <fstream>

#include "ganvas/imaging/format_name.hpp"
#include "imaging/codecs.hpp"

namespace ganvas {

using codecs::little_endian;
using codecs::marked;

std::optional<Format> sniff_format(std::span<const std::uint8_t> bytes) {
  using namespace std::string_view_literals;
  if (marked(bytes, 0, "\x89PNG\r\n\x1a\n"sv)) return Format::png;
  if (marked(bytes, 0, "\xff\xd8\xff"sv)) return Format::jpeg;
  if (marked(bytes, 0, "RIFF"sv) && marked(bytes, 8, "WEBP"sv)) return Format::webp;
  for (const auto mark : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})
    if (marked(bytes, 0, mark)) return Format::tiff;
  if (marked(bytes, 0, "BM"sv) && bytes.size() >= 26) {
    // Two letters alone would take many a text for a picture.
    const std::uint32_t header = little_endian(bytes, 14, 4);
    if (header >= 12 && header <= 256) return Format::bmp;
  }
  if (bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
      (std::isspace(bytes[2]) || bytes[2] == '#'))
    return Format::pnm;
  return std::nullopt;
}

std::optional<Format> sniff_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  std::ifstream stream(path, std::ios::binary);
  std::uint8_t head[32] = {};
  stream.read(reinterpret_cast<char*>(head), sizeof head);
  return sniff_format(std::span(head, static_cast<std::size_t>(stream.gcount())));
}

std::optional<Format> format_from_name(std::string_view name) {
  const std::string_view known = format_name(name);
  if (known == "png") return Format::png;
  if (known == "jpeg") return Format::jpeg;
  if (known == "webp") return Format::webp;
  if (known == "tiff") return Format::tiff;
  if (known == "bmp") return Format::bmp;
  if (known == "pnm") return Format::pnm;
  return std::nullopt;
}

std::string extension_of(Format format, int channels) {
  switch (format) {
    case Format::png:
      return "png";
    case Format::jpeg:
      return "jpg";
    case Format::webp:
      return "webp";
    case Format::tiff:
      return "tif";
    case Format::bmp:
      return "bmp";
    case Format::pnm:
      return channels <= 2 ? "pgm" : "ppm";
  }
  fail(ErrorKind::internal, "unknown picture format");
}

int longest_side(Format format) {
  if (format == Format::jpeg) return 65500;  // libjpeg's JPEG_MAX_DIMENSION
  if (format == Format::webp) return 16383;  // libwebp's WEBP_MAX_DIMENSION
  return INT32_MAX;
}

bool can_hold(Format format, Depth depth, int channels) {
  if (channels > 4) return format == Format::tiff;
  const bool alpha = channels == 2 || channels == 4;
  switch (format) {
    case Format::png:
      return depth != Depth::f32;
    case Format::jpeg:
    case Format::bmp:
      return depth == Depth::u8 && !alpha;
    case Format::webp:
      return depth == Depth::u8;
    case Format::tiff:
      return true;
    case Format::pnm:
      return depth != Depth::f32 && !alpha;
  }
  fail(ErrorKind::internal, "unknown picture format");
}

}  // namespace ganvas
