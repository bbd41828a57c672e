#pragma once

#include <optional>

#include "ganvas/metadata/metadata.hpp"
#include "metadata/bytes.hpp"

/// Metadata blocks in the files that hold them, as they are: nothing here looks into EXIF and XMP.
namespace ganvas::metadata {

/// A file's blocks. `metadata.exif` is raw and may be damaged.
struct Blocks {
  Metadata metadata;
  std::string extended_xmp;  ///< the rest of a packet that was too large for JPEG, itself a packet
  View exif_in_place;        ///< where EXIF and the picture's own tags share a directory (TIFF): the whole file
};

Blocks read_png(View encoded);
Blocks read_jpeg(View encoded);
Blocks read_webp(View encoded);
Blocks read_tiff(View encoded);
Blocks read_bmp(View encoded);

/// Metadata ready to be put in.
struct Insertion {
  const Metadata& metadata;
  std::string extended_xmp;  ///< what of the packet JPEG keeps in segments of its own
  std::vector<std::string>& dropped;
};

// The file with the blocks put in. It must be one that our own writers made: without metadata yet.
Bytes insert_into_png(View encoded, const Insertion& insertion);
Bytes insert_into_jpeg(View encoded, const Insertion& insertion);
Bytes insert_into_webp(View encoded, const Insertion& insertion);
/// EXIF must be little-endian.
Bytes insert_into_tiff(View encoded, const Insertion& insertion);
Bytes insert_into_bmp(View encoded, const Insertion& insertion);

/// Longest XMP packet of a JPEG segment.
inline constexpr std::size_t longest_jpeg_xmp = 65533 - 29;

/// The name by which a packet refers to its extension.
std::string xmp_digest(const std::string& extended_packet);

/// Keyword of a PNG text chunk; empty for other chunks.
std::string png_keyword(const PngChunk& chunk);
/// Its text as UTF-8; empty where it is damaged.
std::string png_text(const PngChunk& chunk);
/// Whether a chunk says no more than that the colours are sRGB.
bool says_srgb(const PngChunk& chunk);
/// Names for `dropped` of PNG's own chunks that another format can't hold; those that say sRGB need no word.
void drop_png_chunks(const Insertion& insertion, std::string_view format);

/// Names for `dropped` of all but the resolution.
void drop_all_but_resolution(const Insertion& insertion, std::string_view format);

/// What an EXIF block says of the resolution.
Resolution exif_resolution(View exif);
/// A block that says nothing else, for formats that know no other way.
Bytes exif_of_resolution(const Resolution& resolution);

/// Of Photoshop's resource blocks ("8BIM") that of a number; empty where there is none.
View photoshop_block(View resources, int number);
/// IPTC records as a resource block.
Bytes photoshop_iptc(View iptc);

/// A zlib stream's content; nothing where it is damaged or larger than `limit`.
std::optional<Bytes> inflated(View compressed, std::size_t limit = std::size_t{1} << 25);
Bytes deflated(View plain);

}  // namespace ganvas::metadata
