#include "metadata/tiff_directory.hpp"

#include <array>
#include <cmath>

namespace ganvas::metadata {

namespace {

using namespace std::string_view_literals;

/// Bytes of a type's element, and of its parts that have a byte order.
struct TypeSize {
  std::size_t element, part;
};
TypeSize size_of(std::uint16_t type) {
  constexpr std::array<TypeSize, 19> sizes{{{0, 0},
                                            {1, 1},
                                            {1, 1},
                                            {2, 2},
                                            {4, 4},
                                            {8, 4},
                                            {1, 1},
                                            {1, 1},
                                            {2, 2},
                                            {4, 4},
                                            {8, 4},
                                            {4, 4},
                                            {8, 8},
                                            {4, 4},
                                            {0, 0},
                                            {0, 0},
                                            {8, 8},
                                            {8, 8},
                                            {8, 8}}};
  return type < sizes.size() ? sizes[type] : TypeSize{0, 0};
}

bool points_to_directory(std::uint16_t tag) { return tag == tag_exif || tag == tag_gps || tag == tag_interoperability; }

/// BigTIFF's 64 bit numbers as 32 bit ones, for classic directories.
TiffField narrowed(const TiffField& field) {
  if (field.type < type_long8) return field;
  TiffField result{type_long, field.count, {}, field.children};
  for (std::size_t i = 0; i < field.count; ++i)
    append_little_endian(result.data, std::min<std::uint64_t>(whole_number(field, i), UINT32_MAX), 4);
  return result;
}

}  // namespace

TiffDirectories::TiffDirectories(View bytes) : bytes_(bytes), little_(marked(bytes, 0, "II"sv)) {
  if (!little_ && !marked(bytes, 0, "MM"sv)) return;
  const std::uint64_t version = number(2, 2);
  classic_ = version == 42;
  big_ = version == 43;
}

std::uint64_t TiffDirectories::first() const { return big_ ? number(8, 8) : number(4, 4); }

TiffFields TiffDirectories::read(std::uint64_t offset, bool deep) const {
  return read(offset, deep ? Level::picture : Level::leaf);
}

TiffFields TiffDirectories::read(std::uint64_t offset, Level level) const {
  TiffFields fields;
  const int count_size = big_ ? 8 : 2, value_size = big_ ? 8 : 4;
  const std::uint64_t entry_size = big_ ? 20 : 12, entries = std::min<std::uint64_t>(number(offset, count_size), 65536);
  for (std::uint64_t i = 0; i < entries; ++i) {
    const std::uint64_t entry = offset + static_cast<std::uint64_t>(count_size) + i * entry_size;
    if (entry > bytes_.size() || bytes_.size() - entry < entry_size) break;
    const auto tag = static_cast<std::uint16_t>(number(entry, 2)),
               type = static_cast<std::uint16_t>(number(entry + 2, 2));
    const std::uint64_t count = number(entry + 4, value_size);
    const TypeSize size = size_of(type);
    if (size.element == 0 || count > bytes_.size() / size.element) continue;
    const std::uint64_t length = count * size.element, inside = entry + 4 + static_cast<std::uint64_t>(value_size);
    const bool fits = length <= static_cast<std::uint64_t>(value_size);
    const View data = part(bytes_, fits ? inside : number(inside, value_size), length);
    if (data.size() != length) continue;
    const auto [place, fresh] = fields.try_emplace(tag, TiffField{type, count, Bytes(data.begin(), data.end()), {}});
    if (!fresh) continue;
    Bytes& values = place->second.data;
    for (std::size_t at = 0; !little_ && at < values.size(); at += size.part)
      std::reverse(values.begin() + static_cast<std::ptrdiff_t>(at),
                   values.begin() + static_cast<std::ptrdiff_t>(at + size.part));
    // Of a directory in a directory only one level is real: EXIF's interoperability. Others may point in circles.
    const bool follow =
        level == Level::picture ? points_to_directory(tag) : level == Level::exif && tag == tag_interoperability;
    if (follow && count == 1)
      place->second.children = read(whole_number(place->second), tag == tag_exif ? Level::exif : Level::leaf);
  }
  return fields;
}

std::uint64_t append_directory(Bytes& out, const TiffFields& fields, bool big) {
  const std::size_t value_size = big ? 8 : 4;
  Bytes entries;
  for (const auto& [tag, given] : fields) {
    TiffField field = big ? given : narrowed(given);
    if (!field.children.empty()) {
      const std::uint64_t child = append_directory(out, field.children, big);
      field = {static_cast<std::uint16_t>(big ? type_long8 : type_long), 1, {}, {}};
      append_little_endian(field.data, child, static_cast<int>(value_size));
    }
    append_little_endian(entries, tag, 2);
    append_little_endian(entries, field.type, 2);
    append_little_endian(entries, field.count, static_cast<int>(value_size));
    if (field.data.size() > value_size) {
      if (out.size() % 2) out.push_back(0);
      append_little_endian(entries, out.size(), static_cast<int>(value_size));
      append(out, field.data);
    } else {
      field.data.resize(value_size);
      append(entries, field.data);
    }
  }
  while (out.size() % (big ? 8 : 2)) out.push_back(0);
  const std::uint64_t offset = out.size();
  append_little_endian(out, fields.size(), big ? 8 : 2);
  append(out, entries);
  append_little_endian(out, 0, static_cast<int>(value_size));  // no further directory
  return offset;
}

void set_first_directory(Bytes& file, std::uint64_t offset, bool big) {
  for (std::size_t i = 0; i < (big ? 8 : 4); ++i) file[(big ? 8 : 4) + i] = static_cast<std::uint8_t>(offset >> 8 * i);
}

std::uint64_t whole_number(const TiffField& field, std::size_t index) {
  const std::size_t size = size_of(field.type).part;
  return size > 0 ? little_endian(field.data, index * size, static_cast<int>(size)) : 0;
}

TiffField short_field(std::uint16_t value) {
  TiffField field{type_short, 1, {}, {}};
  append_little_endian(field.data, value, 2);
  return field;
}

TiffField bytes_field(View bytes) { return {type_undefined, bytes.size(), Bytes(bytes.begin(), bytes.end()), {}}; }

TiffField rational_field(double value) {
  std::uint64_t denominator = 1;
  while (denominator < 1000000 && value * static_cast<double>(denominator) < 400000000 &&
         std::abs(value - std::round(value * static_cast<double>(denominator)) / static_cast<double>(denominator)) >
             1e-6 * value)
    denominator *= 10;
  TiffField field{type_rational, 1, {}, {}};
  append_little_endian(field.data, static_cast<std::uint64_t>(std::round(value * static_cast<double>(denominator))), 4);
  append_little_endian(field.data, denominator, 4);
  return field;
}

double fraction(const TiffField& field) {
  if (field.type != type_rational || field.data.size() < 8) return static_cast<double>(whole_number(field));
  const auto below = static_cast<double>(little_endian(field.data, 4, 4));
  return below > 0 ? static_cast<double>(little_endian(field.data, 0, 4)) / below : 0;
}

bool describes_picture(std::uint16_t tag) {
  // Names, people, places, dates, ratings and colours; whatever else TIFF 6.0 itself defines is layout.
  constexpr std::array<std::uint16_t, 20> known{0x000b, 0x010d, 0x010e, 0x010f, 0x0110, 0x0112, 0x011a,
                                                0x011b, 0x011d, 0x011e, 0x011f, 0x0128, 0x0131, 0x0132,
                                                0x013b, 0x013c, 0x013e, 0x013f, 0x4746, 0x4749};
  if (tag < 0x8000) return std::find(known.begin(), known.end(), tag) != known.end();
  // SGI's and Pixar's forms, colour filter arrays, TIFF/IT, fax, LogL, HD Photo, LERC, and all of DNG.
  constexpr std::array<std::pair<std::uint16_t, std::uint16_t>, 11> layouts{{{0x80a3, 0x80e6},
                                                                             {0x827d, 0x828f},
                                                                             {0x84e0, 0x84f4},
                                                                             {0x885c, 0x8860},
                                                                             {0x923f, 0x923f},
                                                                             {0xbc00, 0xbcff},
                                                                             {0xc44f, 0xc44f},
                                                                             {0xc5d8, 0xc5f3},
                                                                             {0xc612, 0xceff},
                                                                             {tag_iptc, tag_iptc},
                                                                             {tag_icc, tag_icc}}};
  const bool layout = std::any_of(layouts.begin(), layouts.end(),
                                  [tag](const auto& range) { return tag >= range.first && tag <= range.second; });
  return !layout && tag != tag_photoshop && tag != tag_layers;
}

}  // namespace ganvas::metadata
