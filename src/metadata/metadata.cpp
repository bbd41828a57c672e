#include "ganvas/metadata/metadata.hpp"

#include "metadata/containers.hpp"
#include "metadata/editor.hpp"
#include "metadata/tiff_directory.hpp"

namespace ganvas {

using namespace metadata;
using namespace std::string_view_literals;

namespace {

enum class Container { none, png, jpeg, webp, tiff, bmp };

Container container_of(View encoded) {
  if (marked(encoded, 0, "\xff\xd8\xff"sv)) return Container::jpeg;
  if (marked(encoded, 0, "\x89PNG"sv) && encoded.size() > 33) return Container::png;
  if (marked(encoded, 0, "RIFF"sv) && marked(encoded, 8, "WEBP"sv) && encoded.size() > 30) return Container::webp;
  if (TiffDirectories(encoded).valid()) return Container::tiff;
  if (marked(encoded, 0, "BM"sv) && encoded.size() > 54) return Container::bmp;
  return Container::none;
}

Blocks read_blocks(View encoded) {
  switch (container_of(encoded)) {
    case Container::png:
      return read_png(encoded);
    case Container::jpeg:
      return read_jpeg(encoded);
    case Container::webp:
      return read_webp(encoded);
    case Container::tiff:
      return read_tiff(encoded);
    case Container::bmp:
      return read_bmp(encoded);
    case Container::none:
      break;
  }
  return {};
}

Bytes insert_blocks(View encoded, Container container, const Insertion& insertion) {
  switch (container) {
    case Container::png:
      return insert_into_png(encoded, insertion);
    case Container::jpeg:
      return insert_into_jpeg(encoded, insertion);
    case Container::webp:
      return insert_into_webp(encoded, insertion);
    case Container::tiff:
      return insert_into_tiff(encoded, insertion);
    case Container::bmp:
      return insert_into_bmp(encoded, insertion);
    case Container::none:
      break;
  }
  drop_all_but_resolution(insertion, "PNM");
  return {encoded.begin(), encoded.end()};
}

/// All that depends on the result: sizes that EXIF and XMP tell, and where the format has no field for the resolution.
void fit(Metadata& metadata, Container container, int width, int height) {
  const Resolution& resolution = metadata.resolution;
  if (container == Container::webp && metadata.exif.empty()) metadata.exif = exif_of_resolution(resolution);
  fit_exif(metadata.exif, {width, height, resolution, container == Container::webp, container == Container::tiff});
  fit_xmp(metadata.xmp, {width, height, resolution});
}

Metadata cleaned(Blocks blocks) {
  Metadata& metadata = blocks.metadata;
  const View raw = blocks.exif_in_place.empty() ? View(metadata.exif) : blocks.exif_in_place;
  if (metadata.resolution.unit == Resolution::Unit::unknown && blocks.exif_in_place.empty())
    if (const Resolution said = exif_resolution(metadata.exif); said.known()) metadata.resolution = said;
  CleanExif exif = clean_exif(raw);
  if (exif.damaged) metadata.dropped.push_back("EXIF is damaged");
  metadata.exif = std::move(exif.block);
  metadata.orientation = exif.orientation;
  clean_xmp(metadata.xmp, blocks.extended_xmp, metadata.dropped);
  if (!metadata.iptc.empty() && metadata.iptc.front() != 0x1c) {
    metadata.iptc.clear();
    metadata.dropped.push_back("IPTC is damaged");
  }
  return std::move(metadata);
}

}  // namespace

Resolution Resolution::in_inches() const {
  if (unit != Unit::centimetre) return *this;
  return {across * 2.54, down * 2.54, Unit::inch};
}

bool Metadata::empty() const {
  return icc.empty() && exif.empty() && xmp.empty() && iptc.empty() && comments.empty() && png.empty() &&
         !resolution.known();
}

Metadata read_metadata(View encoded) { return cleaned(read_blocks(encoded)); }

Metadata clean_metadata(Metadata raw) {
  return cleaned({.metadata = std::move(raw), .extended_xmp = {}, .exif_in_place = {}});
}

std::vector<std::uint8_t> embed_metadata(std::vector<std::uint8_t> encoded, const Metadata& metadata, int width,
                                         int height, std::vector<std::string>* dropped) {
  if (metadata.empty()) return encoded;
  const Container container = container_of(encoded);
  Metadata carried = metadata;
  fit(carried, container, width, height);
  std::vector<std::string> unheard;
  Insertion insertion{carried, {}, dropped ? *dropped : unheard};
  if (container == Container::jpeg && carried.xmp.size() > longest_jpeg_xmp)
    insertion.extended_xmp = move_into_extension(carried.xmp, longest_jpeg_xmp);
  return insert_blocks(encoded, container, insertion);
}

}  // namespace ganvas
