#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"

// The table of formats, and what their readers and writers have in common. Each format is one file in formats/, which
// defines its row. They throw Error(file) without the file's name; decode.cpp puts it in front.
namespace ganvas::codecs {

using View = std::span<const std::uint8_t>;

/// What can be known from the container without decoding pixels.
struct Facts {
  std::int64_t width = 0, height = 0;
  int orientation = 1;      ///< EXIF orientation
  bool several = false;     ///< animated, more than one page, or several pictures one after another
  double jpeg_quality = 0;  ///< see DecodedImage
};

/// What a reader is asked for, and what it has to say besides the picture.
struct Decoding {
  bool numbers = false;                 ///< see DecodeOptions
  std::vector<std::string> warnings{};  ///< to stand behind the file's name
  std::optional<Metadata> metadata{};   ///< raw, from containers that only the format's library can open
};

/// One format: a row of the table.
struct Codec {
  Format format;
  bool (*sniff)(View head);  ///< by the first 32 bytes
  Facts (*inspect)(View bytes);
  Image (*decode)(View bytes, Decoding& decoding);
  /// Of a picture that the format can hold; nullptr: it is read only.
  Bytes (*encode)(const Image& image, const EncodeOptions& options);
  FormatCapacity holds;
  /// Where the picture at the front ends, for formats that programs write one picture after another; else nullptr. See
  /// picture_end(); bytes that end too soon throw as a truncated file.
  std::size_t (*end)(View bytes) = nullptr;
};

const Codec& codec_of(Format format);

[[noreturn]] inline void reject(std::string_view what) { throw Error(ErrorKind::file, std::string(what)); }
[[noreturn]] inline void reject_truncated() { reject("is truncated; get a complete copy of the file"); }
[[noreturn]] inline void reject_several() {
  reject("is animated, or has more than one page or picture; extract the wanted picture first");
}
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

/// What the bytes of a picture say when only what ends the file is missing.
inline constexpr std::string_view end_missing = "its end is missing, but all its pixels are there";

/// Orientation tag of an EXIF block (with or without the "Exif\0\0" mark); 1 when absent or out of range.
int exif_orientation(View exif) noexcept;

/// Drops an ICC profile of another colour space than the picture's (gray or RGB).
void drop_foreign_profile(Metadata& metadata, int channels);

/// JPEG is a degradation too. Chroma is halved below the quality `full_chroma_from`.
Bytes encode_jpeg(const Image& image, int quality, int full_chroma_from = 90);
Image decode_jpeg(View bytes, Decoding& decoding);

// Writers in files of their own.
Bytes encode_png(const Image& image, int level);
Bytes encode_tiff(const Image& image);

}  // namespace ganvas::codecs
