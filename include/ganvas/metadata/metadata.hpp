#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ganvas {

/// How large a picture is meant to be: pixels a unit.
struct Resolution {
  enum class Unit { unknown, inch, centimetre };  ///< unknown: only the pixel's proportions are said
  double across = 0, down = 0;                    ///< 0: not said
  Unit unit = Unit::unknown;
  bool known() const { return across > 0 && down > 0; }
  /// The same in pixels per inch; unknown units stay.
  Resolution in_inches() const;
};

/// A chunk of a PNG, without length and check sum.
struct PngChunk {
  std::string type;
  std::vector<std::uint8_t> data;
};

/// What travels beside the pixels, as raw blocks. Empty means absent.
struct Metadata {
  std::vector<std::uint8_t> icc;      ///< ICC profile
  std::vector<std::uint8_t> exif;     ///< EXIF, a TIFF structure without the "Exif\0\0" mark
  std::string xmp;                    ///< XMP packet
  std::vector<std::uint8_t> iptc;     ///< IPTC-IIM records
  std::vector<std::string> comments;  ///< of JPEG's COM, usually UTF-8
  std::vector<PngChunk> png;  ///< PNG's own: texts by keyword (tEXt zTXt iTXt), gAMA cHRM cICP sRGB and their kin
  Resolution resolution;
  int orientation = 1;  ///< EXIF orientation 1..8 found in the file
  /// What was there and isn't here, each with its reason ("EXIF is damaged"), for one warning.
  std::vector<std::string> dropped;
  bool empty() const;
};

/// Whether this build carries EXIF and XMP (option GANVAS_WITH_EXIV2).
bool metadata_supported() noexcept;

/// Reads what an encoded picture (PNG, JPEG, WebP, TIFF, BMP) carries. Damaged metadata never fail a picture, and one
/// damaged block costs no other: it is dropped and said so. So are facts that no result can keep: layouts of pixels,
/// thumbnails, Photoshop's layers, gain maps, videos and depth maps behind the picture. Extended XMP becomes a part of
/// the packet.
Metadata read_metadata(std::span<const std::uint8_t> encoded);

/// The same of blocks that the caller took out of another container, as they lie there.
Metadata clean_metadata(Metadata raw);

/// Sets the EXIF orientation tag to 1 and drops an embedded thumbnail, which would show the picture unrotated, and, of
/// pictures that had another, where the pixels lie on the earth.
void reset_orientation(Metadata& metadata);

/// Corrects what counts pixels for a picture that became `across` times as wide and `down` times as high: where they
/// lie on the earth (GeoTIFF 1.1: ModelPixelScale, ModelTiepoint, ModelTransformation), EXIF's subject area and focal
/// plane resolution, the sizes of a panorama (GPano). The resolution stays.
void scale_metadata(Metadata& metadata, double across, double down);

/// The encoded picture, of this width and height, with the metadata put in as far as the format can carry them; what it
/// can't goes to `dropped`. The picture must come from our own writers.
std::vector<std::uint8_t> embed_metadata(std::vector<std::uint8_t> encoded, const Metadata& metadata, int width,
                                         int height, std::vector<std::string>* dropped = nullptr);

}  // namespace ganvas
