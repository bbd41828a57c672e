#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ganvas {

/// What travels beside the pixels, as raw blocks. Empty means absent.
struct Metadata {
  std::vector<std::uint8_t> icc;   ///< ICC profile
  std::vector<std::uint8_t> exif;  ///< EXIF, a TIFF structure without the "Exif\0\0" mark
  std::string xmp;                 ///< XMP packet
  int orientation = 1;             ///< EXIF orientation 1..8 found in the file
  bool empty() const { return icc.empty() && exif.empty() && xmp.empty(); }
};

/// Whether this build carries metadata at all (option GANVAS_WITH_EXIV2).
bool metadata_supported() noexcept;

/// Reads what an encoded picture (PNG, JPEG, WebP, TIFF) carries. Damaged metadata never fails a picture: they
/// come back empty.
Metadata read_metadata(std::span<const std::uint8_t> encoded);

/// Sets the EXIF orientation tag to 1 and drops an embedded thumbnail, which would show the picture unrotated, and, of
/// pictures that had another, where the pixels lie on the earth.
void reset_orientation(Metadata& metadata);

/// Corrects where the pixels lie on the earth (GeoTIFF 1.1: ModelPixelScale, ModelTiepoint, ModelTransformation) for a
/// picture that became `across` times as wide and `down` times as high.
void scale_geography(Metadata& metadata, double across, double down);

/// The encoded picture with the metadata put in; returned unchanged where the format can't carry them.
std::vector<std::uint8_t> embed_metadata(std::vector<std::uint8_t> encoded, const Metadata& metadata);

}  // namespace ganvas
