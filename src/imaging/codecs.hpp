#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"

// What the formats' readers and writers have in common. Each format lives in its own codec_<format>.cpp. They throw
// Error(file) without the file's name; decode.cpp puts it in front.
namespace ganvas::codecs {

using View = std::span<const std::uint8_t>;

/// What can be known from the container without decoding pixels.
struct Facts {
  std::int64_t width = 0, height = 0;
  int orientation = 1;   ///< EXIF orientation
  bool several = false;  ///< animated, or more than one page
};

[[noreturn]] inline void reject(std::string_view what) { throw Error(ErrorKind::file, std::string(what)); }
[[noreturn]] inline void reject_truncated() { reject("is truncated; get a complete copy of the file"); }
[[noreturn]] inline void reject_damaged() { reject("is damaged; get an intact copy of the file"); }

/// Unsigned number of `count` bytes at `at`; a view that ends before it is a truncated file.
inline std::uint32_t big_endian(View bytes, std::size_t at, int count) {
  if (at > bytes.size() || bytes.size() - at < static_cast<std::size_t>(count)) reject_truncated();
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | bytes[at + i];
  return value;
}
inline std::uint32_t little_endian(View bytes, std::size_t at, int count) {
  if (at > bytes.size() || bytes.size() - at < static_cast<std::size_t>(count)) reject_truncated();
  std::uint32_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}
/// Whether `mark` stands at `at`.
inline bool marked(View bytes, std::size_t at, std::string_view mark) {
  return at <= bytes.size() && bytes.size() - at >= mark.size() &&
         std::equal(mark.begin(), mark.end(), bytes.begin() + at,
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

/// Orientation tag of an EXIF block (with or without the "Exif\0\0" mark); 1 when absent or out of range.
int exif_orientation(View exif) noexcept;

/// Formats refuse sizes they can't hold with one clear line.
void require_size_at_most(const Image& image, int limit, std::string_view format);

/// Drops an ICC profile of another colour space than the picture's (gray or RGB).
void drop_foreign_profile(Metadata& metadata, int channels);

Facts inspect_png(View bytes);
/// `numbers`: see DecodeOptions.
Image decode_png(View bytes, bool numbers = false);
Bytes encode_png(const Image& image, int level);

Facts inspect_jpeg(View bytes);
Image decode_jpeg(View bytes);
/// Chroma is halved below the quality `full_chroma_from`.
Bytes encode_jpeg(const Image& image, int quality, int full_chroma_from = 90);

Facts inspect_webp(View bytes);
Image decode_webp(View bytes);
Bytes encode_webp(const Image& image, int quality);

Facts inspect_tiff(View bytes);
/// `clipped`: whether floats lay outside 0..1.
Image decode_tiff(View bytes, bool& clipped);
Bytes encode_tiff(const Image& image);

Facts inspect_bmp(View bytes);
Image decode_bmp(View bytes);
Bytes encode_bmp(const Image& image);

Facts inspect_pnm(View bytes);
Image decode_pnm(View bytes, bool numbers = false);
Bytes encode_pnm(const Image& image);

}  // namespace ganvas::codecs
