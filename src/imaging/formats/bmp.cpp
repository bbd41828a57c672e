// Windows bitmaps: 1, 4, 8 bit palettes (also run-length coded), 16, 24 and 32 bits with or without masks.
#include <array>
#include <bit>

#include "ganvas/imaging/alpha.hpp"
#include "imaging/codecs.hpp"

namespace ganvas::bmp_plugin {
namespace {

using namespace codecs;

enum : std::uint32_t { rgb = 0, rle8 = 1, rle4 = 2, bitfields = 3, alpha_bitfields = 6 };
constexpr std::size_t file_header = 14, core_header = 12, info_header = 40, header_v4 = 108;

bool sniff(View head) {
  if (!marked(head, 0, "BM") || head.size() < 26) return false;
  // Two letters alone would take many a text for a picture.
  const std::uint32_t size = little_endian(head, file_header, 4);
  return size >= core_header && size <= 256;
}

struct Header {
  std::size_t pixels = 0, size = 0;
  std::int64_t width = 0, height = 0;
  bool top_down = false;
  std::uint32_t bits = 0, compression = rgb;
  std::array<std::uint32_t, 4> masks{};  ///< red, green, blue, alpha
  std::vector<cv::Vec3b> palette;
};

void read_masks(View bytes, Header& header) {
  if (header.compression == bitfields || header.compression == alpha_bitfields) {
    const bool alpha = header.compression == alpha_bitfields || header.size >= 56;
    for (int i = 0; i < (alpha ? 4 : 3); ++i)
      header.masks[i] = little_endian(bytes, file_header + info_header + 4 * i, 4);
  } else if (header.bits == 16) {
    header.masks = {0x7c00, 0x03e0, 0x001f, 0};
  } else if (header.bits >= 24) {
    // The fourth byte of a plain 32 bit picture is padding, not alpha.
    header.masks = {0xff0000, 0xff00, 0xff, 0};
  }
}

void read_palette(View bytes, Header& header) {
  if (header.bits > 8) return;
  const bool core = header.size == core_header;
  std::uint32_t count = core ? 0 : little_endian(bytes, file_header + 32, 4);
  if (count == 0 || count > 256) count = 1U << header.bits;
  const std::size_t entry = core ? 3 : 4;
  std::size_t at = file_header + header.size;
  for (std::uint32_t i = 0; i < count && at + 3 <= header.pixels; ++i, at += entry)
    header.palette.emplace_back(big_endian(bytes, at + 2, 1), big_endian(bytes, at + 1, 1), big_endian(bytes, at, 1));
  if (header.palette.empty()) reject_damaged();
}

Header read_header(View bytes) {
  Header header;
  header.pixels = little_endian(bytes, 10, 4);
  header.size = little_endian(bytes, file_header, 4);
  if (header.size == core_header) {
    header.width = little_endian(bytes, 18, 2);
    header.height = little_endian(bytes, 20, 2);
    header.bits = little_endian(bytes, 24, 2);
  } else if (header.size >= info_header) {
    header.width = static_cast<std::int32_t>(little_endian(bytes, 18, 4));
    header.height = static_cast<std::int32_t>(little_endian(bytes, 22, 4));
    header.bits = little_endian(bytes, 28, 2);
    header.compression = little_endian(bytes, 30, 4);
  } else {
    reject("is a BMP of an unsupported version; convert it to PNG");
  }
  header.top_down = header.height < 0;
  header.height = std::abs(header.height);
  return header;
}

void require_supported(const Header& header) {
  const auto is = [&](std::initializer_list<std::uint32_t> allowed) {
    return std::find(allowed.begin(), allowed.end(), header.bits) != allowed.end();
  };
  const std::uint32_t kind = header.compression;
  const bool masked = kind == bitfields || kind == alpha_bitfields;
  if (!((kind == rgb && is({1, 4, 8, 16, 24, 32})) || (kind == rle8 && is({8})) || (kind == rle4 && is({4})) ||
        (masked && is({16, 32}))))
    reject(
        fmt::format("is a BMP of an unsupported kind ({} bits, compression {}); convert it to PNG", header.bits, kind));
}

/// Sample under `mask`, scaled to 0..255 with rounding.
std::uint8_t masked_sample(std::uint32_t pixel, std::uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  const std::uint64_t full = mask >> shift, value = (pixel & mask) >> shift;
  return static_cast<std::uint8_t>((value * 510 + full) / (2 * full));
}

void read_direct(View row, const Header& header, std::uint8_t* out, int channels) {
  const std::size_t size = header.bits / 8;
  for (std::int64_t x = 0; x < header.width; ++x, out += channels) {
    if (header.bits == 24) {
      for (int c = 0; c < 3; ++c) out[c] = row[x * 3 + 2 - c];
      continue;
    }
    const std::uint32_t pixel = little_endian(row, x * size, static_cast<int>(size));
    for (int c = 0; c < channels; ++c) out[c] = masked_sample(pixel, header.masks[c]);
  }
}

void read_rows(View bytes, const Header& header, cv::Mat& pixels) {
  const std::size_t stride = (header.width * header.bits + 31) / 32 * 4;
  // The last row's padding is often left away.
  const std::size_t used = (header.width * header.bits + 7) / 8;
  if (header.pixels > bytes.size() || bytes.size() - header.pixels < stride * (header.height - 1) + used)
    reject_truncated();
  for (std::int64_t y = 0; y < header.height; ++y) {
    const View row = bytes.subspan(header.pixels + y * stride, used);
    std::uint8_t* out = pixels.ptr(static_cast<int>(header.top_down ? y : header.height - 1 - y));
    if (header.bits > 8) read_direct(row, header, out, pixels.channels());
    else
      for (std::int64_t x = 0; x < header.width; ++x) {
        const std::size_t bit = x * header.bits;
        out[x] = row[bit / 8] >> (8 - header.bits - bit % 8) & ((1U << header.bits) - 1);
      }
  }
}

/// Run-length coded palette indices. They end by a mark of their own; without it and before the last pixel the file is
/// cut.
void read_runs(View bytes, const Header& header, cv::Mat& pixels, Decoding& decoding) {
  pixels.setTo(0);
  const bool nibbles = header.compression == rle4;
  std::int64_t x = 0, y = 0;
  const auto put = [&](std::uint32_t value) {
    if (x < header.width && y < header.height)
      pixels.at<std::uint8_t>(static_cast<int>(header.height - 1 - y), static_cast<int>(x)) = value;
    ++x;
  };
  for (std::size_t at = header.pixels;;) {
    if (at == bytes.size() && (y >= header.height || (y == header.height - 1 && x >= header.width))) {
      decoding.warnings.emplace_back(end_missing);
      return;
    }
    const std::uint32_t count = big_endian(bytes, at, 1), value = big_endian(bytes, at + 1, 1);
    at += 2;
    if (count > 0) {
      for (std::uint32_t i = 0; i < count; ++i) put(!nibbles ? value : i % 2 ? value & 15 : value >> 4);
    } else if (value == 0) {
      x = 0;
      ++y;
    } else if (value == 1) {
      return;
    } else if (value == 2) {
      x += big_endian(bytes, at, 1);
      y += big_endian(bytes, at + 1, 1);
      at += 2;
    } else {
      const std::size_t length = nibbles ? (value + 1) / 2 : value;
      for (std::uint32_t i = 0; i < value; ++i) {
        const std::uint32_t byte = big_endian(bytes, at + (nibbles ? i / 2 : i), 1);
        put(!nibbles ? byte : i % 2 ? byte & 15 : byte >> 4);
      }
      at += (length + 1) / 2 * 2;
    }
  }
}

Image apply_palette(const cv::Mat& indices, const std::vector<cv::Vec3b>& palette) {
  const bool gray = std::all_of(palette.begin(), palette.end(), [](auto& c) { return c[0] == c[1] && c[1] == c[2]; });
  Image image(indices.cols, indices.rows, gray ? 1 : 3, Depth::u8);
  for (int y = 0; y < indices.rows; ++y) {
    const std::uint8_t* in = indices.ptr(y);
    std::uint8_t* out = image.pixels.ptr(y);
    for (int x = 0; x < indices.cols; ++x) {
      if (in[x] >= palette.size()) reject_damaged();
      for (int c = 0; c < image.channels(); ++c) *out++ = palette[in[x]][c];
    }
  }
  return image;
}

void put(Bytes& out, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

/// Many programs leave the alpha of 32 bits at zero and mean an opaque picture; all that show it take it so.
Image without_empty_alpha(const Image& image) {
  const auto alpha = constant_alpha(image);
  return alpha == 0.0 ? colour_part(image) : image;
}

Facts inspect(View bytes) {
  const Header header = read_header(bytes);
  return {header.width, header.height};
}

Image decode(View bytes, Decoding& decoding) {
  Header header = read_header(bytes);
  require_supported(header);
  read_masks(bytes, header);
  read_palette(bytes, header);
  const int width = static_cast<int>(header.width), height = static_cast<int>(header.height);
  if (header.bits > 8) {
    Image image(width, height, header.masks[3] ? 4 : 3, Depth::u8);
    read_rows(bytes, header, image.pixels);
    return without_empty_alpha(image);
  }
  cv::Mat indices(height, width, CV_8UC1);
  if (header.compression == rgb) read_rows(bytes, header, indices);
  else read_runs(bytes, header, indices, decoding);
  return apply_palette(indices, header.palette);
}

/// Header, and behind it masks and colour space (alpha) or the palette of grays.
void put_headers(Bytes& out, const Image& image, std::size_t offset, std::size_t total) {
  const bool gray = image.channels() == 1, alpha = image.channels() == 4;
  put(out, 'B' | 'M' << 8, 2);
  for (const std::size_t value : {total, std::size_t{0}, offset, alpha ? header_v4 : info_header})
    put(out, static_cast<std::uint32_t>(value), 4);
  put(out, image.width(), 4);
  put(out, image.height(), 4);
  put(out, 1, 2);
  put(out, 8 * image.channels(), 2);
  put(out, alpha ? bitfields : rgb, 4);
  for (const std::uint32_t value : {0, 2835, 2835, gray ? 256 : 0, 0}) put(out, value, 4);  // 72 dpi
  if (alpha) {
    for (const std::uint32_t mask : {0xff0000U, 0xff00U, 0xffU, 0xff000000U}) put(out, mask, 4);
    put(out, 's' << 24 | 'R' << 16 | 'G' << 8 | 'B', 4);  // sRGB
    out.resize(offset);                                   // its end points and gammas, which sRGB needs not
  }
  for (std::uint32_t i = 0; gray && i < 256; ++i) put(out, i * 0x010101, 4);
}

Bytes encode(const Image& image, const EncodeOptions&) {
  const int channels = image.channels();
  const std::size_t used = static_cast<std::size_t>(image.width()) * channels, stride = (used + 3) / 4 * 4;
  const std::size_t head = channels == 1 ? info_header + 1024 : channels == 4 ? header_v4 : info_header;
  const std::size_t offset = file_header + head, total = offset + stride * image.height();
  if (total > UINT32_MAX) fail(ErrorKind::file, "the picture is too large for BMP (4 GiB); write PNG or TIFF");
  Bytes out;
  out.reserve(total);
  put_headers(out, image, offset, total);
  for (int y = image.height(); y-- > 0;) {
    const std::uint8_t* row = image.pixels.ptr(y);
    if (channels == 1) out.insert(out.end(), row, row + used);
    else
      for (int x = 0; x < image.width(); ++x, row += channels) {
        out.insert(out.end(), {row[2], row[1], row[0]});
        if (channels == 4) out.push_back(row[3]);
      }
    out.resize(out.size() + stride - used);
  }
  return out;
}

}  // namespace

Codec plugin() { return {Format::bmp, sniff, inspect, decode, encode, {.alpha = true}}; }

}  // namespace ganvas::bmp_plugin
