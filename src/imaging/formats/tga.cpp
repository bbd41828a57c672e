// Truevision TGA File Format Specification 2.0 (1991). Such files have no mark at their front: the header's fields say
// together that it is one.
#include "ganvas/imaging/alpha.hpp"
#include "imaging/codecs.hpp"

namespace ganvas::tga_plugin {
namespace {

using namespace codecs;

constexpr std::size_t header_size = 18;

struct Header {
  std::size_t id = 0;               ///< bytes of a text behind the header
  std::uint32_t map = 0, kind = 0;  ///< colour map type and image type
  std::uint32_t map_first = 0, map_length = 0, map_bits = 0;
  std::uint32_t width = 0, height = 0, bits = 0, descriptor = 0;
  bool mapped() const { return (kind & 7) == 1; }
  bool gray() const { return (kind & 7) == 3; }
  bool run_length() const { return kind >= 9; }
};

Header read_fields(View bytes) {
  const auto number = [&](std::size_t at, int count) { return little_endian(bytes, at, count); };
  return {number(0, 1), number(1, 1),  number(2, 1),  number(3, 2),  number(5, 2),
          number(7, 1), number(12, 2), number(14, 2), number(16, 1), number(17, 1)};
}

bool is_supported(const Header& header) {
  const auto is = [](std::uint32_t value, std::initializer_list<std::uint32_t> allowed) {
    return std::find(allowed.begin(), allowed.end(), value) != allowed.end();
  };
  if (!is(header.kind, {1, 2, 3, 9, 10, 11}) || header.width == 0 || header.height == 0) return false;
  if (header.mapped())
    return header.map == 1 && header.bits == 8 && header.map_length > 0 && header.map_length <= 256 &&
           is(header.map_bits, {15, 16, 24, 32});
  // A map beside true colours is for old hardware; fields of none that aren't zero tell of another kind of file.
  const bool no_map = header.map == 0 && header.map_first == 0 && header.map_length == 0 && header.map_bits == 0;
  const bool bits = header.gray() ? is(header.bits, {8, 16}) : is(header.bits, {15, 16, 24, 32});
  return (no_map || header.map == 1) && bits && (header.descriptor & 0xc0) == 0;
}

bool sniff(View head) { return head.size() >= header_size && is_supported(read_fields(head)); }

Facts inspect(View bytes) {
  const Header header = read_fields(bytes);
  return {header.width, header.height};
}

int channels_of(const Header& header) {
  if (header.mapped()) return header.map_bits == 32 ? 4 : 3;
  if (header.gray()) return header.bits == 16 ? 2 : 1;
  return header.bits == 32 ? 4 : 3;
}

/// One stored colour (BGR, BGRA, 5 bits each, or gray with alpha) as samples in our order.
void unpack(const std::uint8_t* stored, std::uint32_t bits, int channels, std::uint8_t* out) {
  if (channels <= 2) {
    std::copy_n(stored, channels, out);
    return;
  }
  if (bits <= 16) {
    const std::uint32_t value = stored[0] | stored[1] << 8;
    for (int c = 0; c < 3; ++c) out[c] = static_cast<std::uint8_t>(((value >> (10 - 5 * c) & 31) * 255 + 15) / 31);
    return;
  }
  for (int c = 0; c < 3; ++c) out[c] = stored[2 - c];
  if (channels == 4) out[3] = stored[3];
}

/// Pixels as they are stored, one after another, runs spelled out.
Bytes stored_pixels(View bytes, const Header& header, std::size_t at) {
  const std::size_t size = (header.bits + 7) / 8, total = std::size_t{header.width} * header.height * size;
  const auto take = [&](std::size_t count) {
    if (at > bytes.size() || bytes.size() - at < count) reject_truncated();
    at += count;
    return bytes.begin() + static_cast<std::ptrdiff_t>(at - count);
  };
  if (!header.run_length()) {
    const auto first = take(total);
    return Bytes(first, first + static_cast<std::ptrdiff_t>(total));
  }
  // A byte stands for 128 pixels at most: what is claimed must be possible.
  if (at > bytes.size() || total / size / 128 > bytes.size() - at) reject_truncated();
  Bytes pixels;
  pixels.reserve(total);
  while (pixels.size() < total) {
    const std::uint8_t packet = *take(1);
    const std::size_t count = (packet & 127U) + 1, copies = packet & 128 ? count : 1;
    const std::size_t length = packet & 128 ? size : count * size;
    if (count * size > total - pixels.size()) reject_damaged();
    const auto first = take(length);
    for (std::size_t i = 0; i < copies; ++i)
      pixels.insert(pixels.end(), first, first + static_cast<std::ptrdiff_t>(length));
  }
  return pixels;
}

Image decode(View bytes, Decoding&) {
  const Header header = read_fields(bytes);
  const std::size_t map_at = header_size + header.id;
  const std::size_t entry = header.map == 1 ? (header.map_bits + 7) / 8 : 0, map_size = entry * header.map_length;
  if (map_at > bytes.size() || bytes.size() - map_at < map_size) reject_truncated();
  const View map = bytes.subspan(map_at, map_size);
  const Bytes stored = stored_pixels(bytes, header, map_at + map_size);
  const std::size_t size = (header.bits + 7) / 8;
  const int channels = channels_of(header), width = static_cast<int>(header.width);
  const bool from_right = header.descriptor & 0x10, from_top = header.descriptor & 0x20;
  Image image(width, static_cast<int>(header.height), channels, Depth::u8);
  const std::uint8_t* in = stored.data();
  for (int y = 0; y < image.height(); ++y) {
    std::uint8_t* row = image.pixels.ptr(from_top ? y : image.height() - 1 - y);
    for (int x = 0; x < width; ++x, in += size) {
      std::uint8_t* out = row + (from_right ? width - 1 - x : x) * channels;
      if (!header.mapped()) {
        unpack(in, header.bits, channels, out);
        continue;
      }
      if (*in < header.map_first || *in - header.map_first >= header.map_length) reject_damaged();
      unpack(map.data() + (*in - header.map_first) * entry, header.map_bits, channels, out);
    }
  }
  // Many programs leave alpha at zero and mean an opaque picture.
  return image.has_alpha() && constant_alpha(image) == 0.0 ? colour_part(image) : image;
}

}  // namespace

Codec plugin() { return {Format::tga, sniff, inspect, decode, nullptr, {}}; }

}  // namespace ganvas::tga_plugin
