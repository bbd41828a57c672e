#include "ganvas/imaging/picture_stream.hpp"

#include <cctype>

#include "imaging/codecs.hpp"

namespace ganvas {

namespace {

using codecs::big_endian;
using codecs::marked;
using codecs::View;

/// Before the end of these bytes it throws what a truncated file throws; here that means that more are to come.
std::size_t png_end(View bytes) {
  for (std::size_t at = 8;;) {
    const std::size_t length = big_endian(bytes, at, 4);
    const bool last = big_endian(bytes, at + 4, 4) == 0x49454e44;  // IEND
    at += 12 + length;
    if (last) return at;
  }
}

std::size_t jpeg_end(View bytes) {
  for (std::size_t at = 2;;) {
    const std::uint32_t lead = big_endian(bytes, at, 1);
    if (lead != 0xff) {
      ++at;  // coded data, and stray bytes
      continue;
    }
    const std::uint32_t marker = big_endian(bytes, at + 1, 1);
    if (marker == 0xff) {
      ++at;
      continue;
    }
    at += 2;
    if (marker == 0xd9) return at;
    if (marker == 0 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    const std::uint32_t length = big_endian(bytes, at, 2);
    if (marker == 0xe2 && marked(bytes, at + 2, std::string_view("MPF\0", 4))) return SIZE_MAX;
    at += length;
  }
}

/// The next number of a PNM header; `at` stands behind it then.
std::size_t header_number(View bytes, std::size_t& at) {
  for (;; ++at) {
    const std::uint32_t c = big_endian(bytes, at, 1);
    if (c == '#')
      while (big_endian(bytes, at, 1) != '\n') ++at;
    else if (!std::isspace(static_cast<int>(c))) break;
  }
  std::size_t value = 0;
  for (; std::isdigit(static_cast<int>(big_endian(bytes, at, 1))); ++at)
    value = std::min<std::size_t>(value * 10 + (bytes[at] - '0'), UINT32_MAX);
  return value;
}

std::size_t pnm_end(View bytes) {
  const int kind = bytes[1] - '0';
  if (kind < 4) return SIZE_MAX;  // written in digits: nobody's frames
  std::size_t at = 2;
  const std::size_t width = header_number(bytes, at), height = header_number(bytes, at);
  const std::size_t most = kind == 4 ? 1 : header_number(bytes, at);
  const std::size_t row = kind == 4 ? (width + 7) / 8 : width * (kind == 6 ? 3 : 1) * (most > 255 ? 2 : 1);
  if (width == 0 || height == 0 || row > SIZE_MAX / 4 / height) return SIZE_MAX;
  return at + 1 + row * height;
}

}  // namespace

std::optional<std::size_t> picture_end(View bytes) {
  if (bytes.size() < 32) return std::nullopt;
  const auto format = sniff_format(bytes);
  try {
    std::size_t end = SIZE_MAX;
    if (format == Format::png) end = png_end(bytes);
    if (format == Format::jpeg) end = jpeg_end(bytes);
    if (format == Format::pnm) end = pnm_end(bytes);
    if (end != SIZE_MAX && end > bytes.size()) return std::nullopt;
    return end;
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool holds_several_pictures(View bytes) {
  const auto end = picture_end(bytes);
  return end && *end < bytes.size() && sniff_format(bytes.subspan(*end)) == sniff_format(bytes);
}

}  // namespace ganvas
