#pragma once

#include <opencv2/core.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "support/support.hpp"

namespace ganvas::test {

/// Every sample random, so that no swap of channels, rows or bytes goes unnoticed.
inline Image noise(int width, int height, int channels, Depth depth, int seed = 1) {
  Image image(width, height, channels, depth);
  cv::RNG random(seed);
  random.fill(image.pixels, cv::RNG::UNIFORM, 0, depth == Depth::f32 ? 1.0 : max_value(depth) + 1);
  return image;
}

/// A smooth picture, which lossy formats keep.
inline Image gradient(int width, int height, int channels, Depth depth) {
  Image image(width, height, channels, Depth::f32);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        image.pixels.ptr<float>(y)[x * channels + c] =
            0.2f + 0.6f * static_cast<float>((c % 2 ? x : y) + c) / static_cast<float>(std::max(width, height) + 4);
  return to_depth(image, depth);
}

inline double largest_difference(const Image& a, const Image& b) {
  REQUIRE(a.pixels.size() == b.pixels.size());
  REQUIRE(a.pixels.type() == b.pixels.type());
  return cv::norm(a.pixels, b.pixels, cv::NORM_INF);
}

inline bool same(const Image& a, const Image& b) {
  return a.pixels.size() == b.pixels.size() && a.pixels.type() == b.pixels.type() &&
         cv::norm(a.pixels, b.pixels, cv::NORM_INF) == 0;
}

/// The message with which decoding fails; empty when it does not.
inline std::string decode_error(const Bytes& bytes, const DecodeOptions& options = {}) {
  try {
    decode_image(bytes, "pictures/a b.png", options);
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::file);
    const std::string message = error.what();
    CHECK(message.starts_with("pictures/a b.png: "));
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
}

inline Bytes bytes_of(std::string_view text) { return Bytes(text.begin(), text.end()); }

inline void put(Bytes& out, std::uint64_t value, int count, bool big) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * (big ? count - 1 - i : i)));
}
inline void put(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

/// A PNG chunk with its check sum.
inline Bytes png_chunk(std::string_view type, const Bytes& data) {
  Bytes out;
  put(out, data.size(), 4, true);
  put(out, bytes_of(type));
  put(out, data);
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 4; i < out.size(); ++i) {
    crc ^= out[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  put(out, ~crc & 0xffffffff, 4, true);
  return out;
}

/// A zlib stream of one stored block.
inline Bytes zlib_stored(const Bytes& data) {
  REQUIRE(data.size() < 65536);
  Bytes out{0x78, 0x01, 1};
  put(out, data.size(), 2, false);
  put(out, ~data.size() & 0xffff, 2, false);
  put(out, data);
  std::uint32_t a = 1, b = 0;
  for (const auto byte : data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  put(out, b << 16 | a, 4, true);
  return out;
}

/// A PNG of raw, unfiltered scanlines (each led by its filter byte 0); `extra` chunks stand before the pixels.
inline Bytes make_png(int width, int height, int bits, int color_type, const Bytes& scanlines, const Bytes& extra = {},
                      bool interlaced = false) {
  Bytes out = bytes_of("\x89PNG\r\n\x1a\n"), header;
  put(header, width, 4, true);
  put(header, height, 4, true);
  for (const int byte : {bits, color_type, 0, 0, interlaced ? 1 : 0}) header.push_back(static_cast<std::uint8_t>(byte));
  put(out, png_chunk("IHDR", header));
  put(out, extra);
  put(out, png_chunk("IDAT", zlib_stored(scanlines)));
  put(out, png_chunk("IEND", {}));
  return out;
}

/// One entry of a TIFF directory: type 3 short, 4 long, 1 and 7 bytes.
struct TiffTag {
  int tag, type;
  std::vector<std::uint32_t> values;
};

/// TIFF of directories, each with a block of pixel data that its StripOffsets or TileOffsets tag (value 0) points to.
struct TiffPage {
  std::vector<TiffTag> tags;
  Bytes pixels;
};
inline Bytes make_tiff(const std::vector<TiffPage>& pages, bool big = false) {
  Bytes out = bytes_of(big ? "MM" : "II");
  put(out, 42, 2, big);
  for (const TiffPage& page : pages) {
    // Here: the pointer to the directory, pixels, long values, the directory.
    const std::size_t pixels = out.size() + 4;
    std::size_t spill = pixels + page.pixels.size();
    Bytes values, entries;
    for (const TiffTag& tag : page.tags) {
      const int size = tag.type == 3 ? 2 : tag.type == 4 ? 4 : 1;
      Bytes packed;
      for (const auto value : tag.values)
        put(packed, (tag.tag == 273 || tag.tag == 324) ? pixels + value : value, size, big);
      put(entries, tag.tag, 2, big);
      put(entries, tag.type, 2, big);
      put(entries, tag.values.size(), 4, big);
      if (packed.size() > 4) {
        put(entries, spill + values.size(), 4, big);
        put(values, packed);
      } else {
        packed.resize(4);
        put(entries, packed);
      }
    }
    put(out, spill + values.size(), 4, big);
    put(out, page.pixels);
    put(out, values);
    put(out, page.tags.size(), 2, big);
    put(out, entries);
  }
  put(out, 0, 4, big);
  return out;
}

/// EXIF block with a make, an orientation, pixel dimensions and a thumbnail directory of one tag.
inline Bytes make_exif(int orientation, bool big = false) {
  Bytes out = bytes_of(big ? "MM" : "II");
  put(out, 42, 2, big);
  put(out, 8, 4, big);
  const auto entry = [&](int tag, int type, int count, std::uint32_t value) {
    put(out, tag, 2, big);
    put(out, type, 2, big);
    put(out, count, 4, big);
    put(out, value, type == 3 ? 2 : 4, big);
    if (type == 3) put(out, 0, 2, big);
  };
  const int count = 3, sub = 8 + 2 + 12 * count + 4, next = sub + 2 + 12 * 2 + 4;
  put(out, count, 2, big);
  put(out, 0x010f, 2, big);  // make
  put(out, 2, 2, big);
  put(out, 4, 4, big);
  put(out, Bytes{'A', 'b', 'c', 0});
  entry(0x0112, 3, 1, orientation);
  entry(0x8769, 4, 1, sub);
  put(out, next, 4, big);
  put(out, 2, 2, big);
  entry(0xa002, 4, 1, 4321);
  entry(0xa003, 4, 1, 1234);
  put(out, 0, 4, big);
  put(out, 1, 2, big);
  entry(0x0103, 3, 1, 6);
  put(out, 0, 4, big);
  return out;
}

/// The encoded picture with an EXIF block put in by hand.
inline Bytes with_exif(const Bytes& encoded, Format format, const Bytes& exif, int width, int height) {
  Bytes out, block;
  if (format == Format::jpeg) {
    out.assign(encoded.begin(), encoded.begin() + 2);
    put(block, bytes_of(std::string_view("Exif\0\0", 6)));
    put(block, exif);
    put(out, 0xffe1, 2, true);
    put(out, block.size() + 2, 2, true);
    put(out, block);
    out.insert(out.end(), encoded.begin() + 2, encoded.end());
  } else if (format == Format::png) {
    out.assign(encoded.begin(), encoded.begin() + 33);
    put(out, png_chunk("eXIf", exif));
    out.insert(out.end(), encoded.begin() + 33, encoded.end());
  } else {
    REQUIRE(format == Format::webp);
    Bytes chunks = bytes_of("WEBPVP8X");
    put(chunks, 10, 4, false);
    put(chunks, 8, 4, false);
    put(chunks, width - 1, 3, false);
    put(chunks, height - 1, 3, false);
    chunks.insert(chunks.end(), encoded.begin() + 12, encoded.end());
    put(chunks, bytes_of("EXIF"));
    put(chunks, exif.size(), 4, false);
    put(chunks, exif);
    if (exif.size() % 2) chunks.push_back(0);
    out = bytes_of("RIFF");
    put(out, chunks.size(), 4, false);
    put(out, chunks);
  }
  return out;
}

}  // namespace ganvas::test
