// TIFF and BigTIFF: EXIF's tags share a directory with those of the picture.
#include "metadata/containers.hpp"
#include "metadata/tiff_directory.hpp"

namespace ganvas::metadata {

namespace {

using namespace std::string_view_literals;

Bytes taken(TiffFields& fields, std::uint16_t tag) {
  const auto node = fields.extract(tag);
  return node ? std::move(node.mapped().data) : Bytes();
}

/// A classic block, as exiv2 0.27 reads it, of what a BigTIFF says of the picture.
Bytes exif_block(TiffFields fields) {
  std::erase_if(fields, [](const auto& entry) { return !describes_picture(entry.first); });
  if (fields.empty()) return {};
  Bytes out;
  append(out, "II*\0\0\0\0\0"sv);
  set_first_directory(out, append_directory(out, fields, false), false);
  return out;
}

void note_losses(const TiffFields& fields, std::vector<std::string>& dropped) {
  if (fields.contains(tag_layers)) dropped.push_back("Photoshop's layers are those of the small picture");
  if (fields.contains(0xc69c))
    dropped.push_back("RPC coefficients (RPCCoefficientTag) hold for the small picture only");
  if (fields.contains(0xc697)) dropped.push_back("ImageJ's metadata block (IJMetadata) can't be carried");
}

/// Offsets of strips or tiles in a file that moved by `shift` bytes.
void shift_offsets(TiffFields& fields, std::uint64_t shift) {
  for (const std::uint16_t tag : {tag_strip_offsets, tag_tile_offsets}) {
    const auto found = fields.find(tag);
    if (found == fields.end() || shift == 0) continue;
    TiffField& field = found->second;
    TiffField moved{type_long, field.count, {}, {}};
    for (std::size_t i = 0; i < field.count; ++i) append_little_endian(moved.data, whole_number(field, i) + shift, 4);
    field = std::move(moved);
  }
}

/// What is there already stays: nothing that is carried changes how the pixels are read.
void add(TiffFields& fields, std::uint16_t tag, TiffField field) { fields.try_emplace(tag, std::move(field)); }

void add_resolution(TiffFields& fields, const Resolution& resolution) {
  if (!resolution.known()) return;
  add(fields, tag_x_resolution, rational_field(resolution.across));
  add(fields, tag_y_resolution, rational_field(resolution.down));
  add(fields, tag_resolution_unit, short_field(static_cast<std::uint16_t>(1 + static_cast<int>(resolution.unit))));
}

Resolution tiff_resolution(const TiffFields& fields) {
  const auto value = [&](std::uint16_t tag) {
    const auto found = fields.find(tag);
    return found == fields.end() ? 0 : fraction(found->second);
  };
  const auto unit = fields.find(tag_resolution_unit);
  const std::uint64_t number = unit == fields.end() ? 2 : whole_number(unit->second);  // inches by default
  if (number < 1 || number > 3) return {};
  Resolution resolution{value(tag_x_resolution), value(tag_y_resolution), static_cast<Resolution::Unit>(number - 1)};
  if (!resolution.known()) resolution = {};
  return resolution;
}

}  // namespace

Resolution exif_resolution(View exif) {
  const TiffDirectories directories(exif);
  return directories.valid() ? tiff_resolution(directories.read(directories.first())) : Resolution();
}

Bytes exif_of_resolution(const Resolution& resolution) {
  TiffFields fields;
  add_resolution(fields, resolution);
  return exif_block(std::move(fields));
}

Blocks read_tiff(View encoded) {
  Blocks blocks;
  Metadata& metadata = blocks.metadata;
  const TiffDirectories directories(encoded);
  if (!directories.valid()) return blocks;
  TiffFields fields = directories.read(directories.first(), true);
  metadata.resolution = tiff_resolution(fields);
  note_losses(fields, metadata.dropped);
  metadata.icc = taken(fields, tag_icc);
  metadata.xmp = text_of(taken(fields, tag_xmp));
  metadata.iptc = taken(fields, tag_iptc);
  const Bytes photoshop = taken(fields, tag_photoshop);
  if (const View iptc = photoshop_block(photoshop, 0x0404); metadata.iptc.empty())
    metadata.iptc.assign(iptc.begin(), iptc.end());
  if (directories.big()) metadata.exif = exif_block(std::move(fields));
  else blocks.exif_in_place = encoded;
  return blocks;
}

Bytes insert_into_tiff(View encoded, const Insertion& insertion) {
  const Metadata& metadata = insertion.metadata;
  const TiffDirectories directories(encoded);
  const bool big = directories.big();
  TiffFields fields = directories.read(directories.first());

  // An EXIF block holds offsets from its own beginning, also where only its maker knows: as the file's beginning they
  // stay true. BigTIFF begins otherwise; there the block is taken apart.
  const TiffDirectories exif(metadata.exif);
  const bool in_front = !big && exif.valid();
  Bytes out;
  if (in_front) out = metadata.exif;
  else append(out, part(encoded, 0, big ? 16 : 8));
  if (out.size() % 2) out.push_back(0);
  const std::size_t head = big ? 16 : 8;
  shift_offsets(fields, out.size() - head);
  append(out, part(encoded, head));

  if (!metadata.icc.empty()) add(fields, tag_icc, bytes_field(metadata.icc));
  if (!metadata.xmp.empty())
    add(fields, tag_xmp, {1, metadata.xmp.size(), Bytes(metadata.xmp.begin(), metadata.xmp.end()), {}});
  if (!metadata.iptc.empty()) add(fields, tag_iptc, bytes_field(metadata.iptc));
  add_resolution(fields, metadata.resolution);
  if (exif.valid())
    for (auto& [tag, field] : exif.read(exif.first(), big)) {
      if (!describes_picture(tag)) continue;
      if (big && tag == tag_exif && field.children.erase(tag_maker_note) > 0)
        insertion.dropped.push_back("BigTIFF can't hold the camera's own notes (MakerNote)");
      add(fields, tag, field);
    }
  set_first_directory(out, append_directory(out, fields, big), big);
  if (!metadata.comments.empty()) insertion.dropped.push_back("TIFF can't hold comments");
  drop_png_chunks(insertion, "TIFF");
  if (!big && out.size() > UINT32_MAX) {
    insertion.dropped.push_back("there is no room for metadata below 4 GiB");
    return {encoded.begin(), encoded.end()};
  }
  return out;
}

}  // namespace ganvas::metadata
