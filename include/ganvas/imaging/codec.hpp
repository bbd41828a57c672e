#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ganvas/core/files.hpp"
#include "ganvas/imaging/format_name.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/imaging/options.hpp"
#include "ganvas/metadata/metadata.hpp"

namespace ganvas {

/// By content, never by name; nullopt where the bytes are none of the supported formats.
std::optional<Format> sniff_format(std::span<const std::uint8_t> bytes);
/// The same of the first bytes of a regular file (a pipe must not be touched before its time).
std::optional<Format> sniff_file(const std::filesystem::path& path);
/// Whether this build reads the format: those that are written always.
bool can_read(Format format);
/// What a format's writer can store; all store u8 and RGB.
struct FormatCapacity {
  bool u16 = false, f32 = false;
  bool gray = true, gray_alpha = false;  ///< else gray is stored as RGB, with alpha as RGBA
  bool alpha = false;                    ///< else it is laid over white
  bool bands = false;                    ///< more than four channels
  bool metadata = false;                 ///< EXIF, XMP and ICC, else they are dropped
  int longest_side = INT32_MAX;
};
const FormatCapacity& capacity_of(Format format);
/// Whether the format can hold such samples without loss of depth or alpha (e.g. JPEG: u8, no alpha).
bool can_hold(Format format, Depth depth, int channels);

/// As stored: orientations 5 to 8 swap width and height when they are applied.
struct ImageHeader {
  Format format = Format::png;
  std::int64_t width = 0, height = 0;
  int orientation = 1;  ///< EXIF orientation 1..8
};

struct DecodeOptions {
  std::uint64_t max_pixels = UINT64_C(1) << 30;  ///< larger pictures are refused from their header alone
  bool apply_orientation = true;                 ///< bake the EXIF orientation in and reset its tag
  /// For pictures of class numbers: entries of PNG palettes come as their numbers (gray), not as colours, and samples
  /// of gray PNGs below 8 bits and of PNM as they are stored, not scaled to the full range.
  bool numbers = false;
};

struct DecodedImage {
  Image image;  ///< depth and channels as in the file; palettes become RGB or RGBA, HEIF's gray RGB
  Format format = Format::png;
  Metadata metadata;  ///< orientation already reset when it was applied
  /// 1 to 100 on the scale of the Independent JPEG Group, by the table for luma; 0 for other formats.
  double jpeg_quality = 0;
};

/// Width and height from the header, without decoding pixels. Throws Error(file).
ImageHeader read_header(std::span<const std::uint8_t> bytes, const std::string& name);

/// Decodes a still picture. `name` stands in messages only. Throws Error(file) for empty, truncated, damaged,
/// animated, oversized (max_pixels) or unknown content, with one line that says which. Where only the file's end mark
/// is missing, a warning says so. Float TIFFs are clipped to 0..1, those of plainly another range refused; CMYK becomes
/// RGB; alpha comes out straight. A profile that doesn't fit the colours (e.g. CMYK) is dropped.
DecodedImage decode_image(std::span<const std::uint8_t> bytes, const std::string& name, const DecodeOptions& = {});

/// Encodes; what the format can't hold (FormatCapacity) is converted with rounding or flattened over white, and
/// metadata that it can't carry go to `dropped` as reasons. Throws Error(file) for more channels or pixels a side than
/// it can hold. JPEG keeps full colour resolution from quality 90 on.
Bytes encode_image(const Image& image, Format format, const Metadata& metadata, const EncodeOptions& = {},
                   std::vector<std::string>* dropped = nullptr);

/// read_file + decode_image.
DecodedImage read_image(const std::filesystem::path& path, const DecodeOptions& = {});
/// encode_image + write_file_atomically; the format is taken from the extension.
void write_image(const std::filesystem::path& path, const Image& image, const Metadata& metadata = {},
                 const EncodeOptions& = {}, Existing existing = Existing::replaced);

}  // namespace ganvas
