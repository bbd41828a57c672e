#pragma once

#include "ganvas/metadata/metadata.hpp"
#include "metadata/bytes.hpp"

/// What takes a library that understands EXIF and XMP: metadata_exiv2.cpp, or metadata_none.cpp, which drops both.
namespace ganvas::metadata {

struct CleanExif {
  Bytes block;
  int orientation = 1;
  bool damaged = false;
};
/// A raw EXIF block, or a whole TIFF, as a block without tags on the layout of pixels.
CleanExif clean_exif(View raw);
/// Joins a packet with its extension, and takes out what speaks of other data of the small picture's file (gain map,
/// video, depth, thumbnails). A damaged packet goes, with a word in `dropped`; what stays unchanged stays byte by byte.
void clean_xmp(std::string& packet, const std::string& extension, std::vector<std::string>& dropped);

/// What a result is.
struct Result {
  int width = 0, height = 0;
  Resolution resolution{};
  bool needs_resolution = false;  ///< EXIF is the only place for it
  bool little_endian = false;
};
void fit_exif(Bytes& block, const Result& result);
void fit_xmp(std::string& packet, const Result& result);

/// Takes out where the picture was taken.
void erase_position(Bytes& exif, std::string& packet);

/// Takes all properties of a namespace out.
void erase_properties(std::string& packet, const std::string& space);

/// Shortens a packet to `limit` bytes; what doesn't fit is a packet of its own, to which the first one refers.
std::string move_into_extension(std::string& packet, std::size_t limit);

}  // namespace ganvas::metadata
