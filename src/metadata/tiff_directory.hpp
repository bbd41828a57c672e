#pragma once

#include <map>

#include "metadata/bytes.hpp"

/// Directories of tags, classic TIFF (Adobe's TIFF 6.0) and BigTIFF (libtiff's specification): the form of TIFF files
/// and of EXIF blocks.
namespace ganvas::metadata {

/// Tags that this module deals with.
enum TiffTagNumber : std::uint16_t {
  tag_strip_offsets = 0x0111,
  tag_orientation = 0x0112,
  tag_x_resolution = 0x011a,
  tag_y_resolution = 0x011b,
  tag_resolution_unit = 0x0128,
  tag_tile_offsets = 0x0144,
  tag_xmp = 0x02bc,
  tag_iptc = 0x83bb,
  tag_photoshop = 0x8649,
  tag_exif = 0x8769,
  tag_icc = 0x8773,
  tag_gps = 0x8825,
  tag_layers = 0x935c,
  tag_maker_note = 0x927c,
  tag_interoperability = 0xa005,
};
enum TiffType : std::uint16_t { type_short = 3, type_long = 4, type_rational = 5, type_undefined = 7, type_long8 = 16 };

/// One entry with its values in little-endian order, and the directory that it points to.
struct TiffField {
  std::uint16_t type = 0;
  std::uint64_t count = 0;
  Bytes data;
  std::map<std::uint16_t, TiffField> children;
};
using TiffFields = std::map<std::uint16_t, TiffField>;

/// Reads directories of any byte order. Entries that point out of the file are left out; of repeated ones the first
/// counts.
class TiffDirectories {
 public:
  explicit TiffDirectories(View bytes);
  bool valid() const { return big_ || classic_; }
  bool big() const { return big_; }
  std::uint64_t first() const;
  /// With the directories of EXIF, GPS and interoperability as children where `deep`.
  TiffFields read(std::uint64_t offset, bool deep = false) const;

 private:
  enum class Level : std::uint8_t { picture, exif, leaf };  ///< whose directories are followed
  TiffFields read(std::uint64_t offset, Level level) const;
  std::uint64_t number(std::uint64_t at, int count) const { return metadata::number(bytes_, at, count, little_); }
  View bytes_;
  bool little_ = false, classic_ = false, big_ = false;
};

/// Appends a directory with its values and children to a little-endian file; where it lies.
std::uint64_t append_directory(Bytes& out, const TiffFields& fields, bool big);
/// Sets where the first directory lies.
void set_first_directory(Bytes& file, std::uint64_t offset, bool big);

/// A whole number of a field, or of its element.
std::uint64_t whole_number(const TiffField& field, std::size_t index = 0);
TiffField short_field(std::uint16_t value);
TiffField bytes_field(View bytes);
/// A positive number as a fraction with as few digits as it needs.
TiffField rational_field(double value);
double fraction(const TiffField& field);

/// Whether a tag of the picture's own directory speaks of the picture, not of how its pixels lie in one particular
/// file. XMP, IPTC and the profile, which travel by themselves, and what belongs to the small picture count as the
/// latter.
bool describes_picture(std::uint16_t tag);

}  // namespace ganvas::metadata
