// The only file that knows exiv2 (GPL): see GANVAS_WITH_EXIV2.
#include "ganvas/metadata/metadata.hpp"

#include <exiv2/exiv2.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "metadata/containers.hpp"
#include "metadata/editor.hpp"
#include "metadata/tiff_directory.hpp"

namespace ganvas {

using namespace metadata;

namespace {

void lock_xmp(void* mutex, bool lock) {
  auto& xmp = *static_cast<std::recursive_mutex*>(mutex);
  if (lock) xmp.lock();
  else xmp.unlock();
}

/// exiv2 keeps one XMP toolkit for the process and talks on stderr: both are settled before its first use.
void prepare() {
  static std::recursive_mutex xmp;
  static std::once_flag once;
  std::call_once(once, [] {
    Exiv2::LogMsg::setLevel(Exiv2::LogMsg::mute);
    Exiv2::XmpParser::initialize(lock_xmp, &xmp);
    Exiv2::XmpProperties::registerNs("http://ns.adobe.com/xmp/note/", "xmpNote");
  });
}

/// Tags that describe how the pixels lie in one particular file. Carried into another file they would be lies.
bool is_layout_tag(const Exiv2::Exifdatum& datum) {
  const std::string group = datum.groupName();
  if (group == "Thumbnail" || group.starts_with("SubImage") || group.starts_with("SubThumb") || group == "Image2" ||
      group == "Image3")
    return true;
  return group == "Image" && datum.tag() != tag_exif && datum.tag() != tag_gps && !describes_picture(datum.tag());
}

// GeoTIFF's tags, and those that say in which system the figures are.
constexpr std::uint16_t pixel_scale = 0x830e, tiepoints = 0x8482, transformation = 0x85d8;

bool is_geography(const Exiv2::Exifdatum& datum) {
  const std::uint16_t tag = datum.tag();
  return datum.groupName() == "Image" &&
         (tag == pixel_scale || tag == tiepoints || tag == transformation || (tag >= 0x87af && tag <= 0x87b1));
}

/// Multiplies a tag's doubles by these factors, anew in every `period`; where no factor is left they stay.
void multiply_doubles(Exiv2::ExifData& exif, std::uint16_t tag, std::size_t period,
                      const std::vector<double>& factors) {
  const auto found = exif.findKey(Exiv2::ExifKey(tag, "Image"));
  if (found == exif.end()) return;
  const auto* doubles = dynamic_cast<const Exiv2::DoubleValue*>(&found->value());
  if (!doubles) return;
  Exiv2::DoubleValue scaled = *doubles;
  for (std::size_t i = 0; i < scaled.value_.size(); ++i)
    if (i % period < factors.size()) scaled.value_[i] *= factors[i % period];
  found->setValue(&scaled);
}

template <typename Data, typename Predicate>
void erase_if(Data& data, const Predicate& predicate) {
  for (auto it = data.begin(); it != data.end();) it = predicate(*it) ? data.erase(it) : std::next(it);
}

std::vector<std::uint8_t> encode_exif(const Exiv2::ExifData& exif, Exiv2::ByteOrder order) {
  if (exif.empty()) return {};
  Exiv2::Blob blob;
  Exiv2::ExifParser::encode(blob, order == Exiv2::invalidByteOrder ? Exiv2::littleEndian : order, exif);
  return {blob.begin(), blob.end()};
}

/// Decodes a raw EXIF block, lets `change` edit it, and encodes it again, in its own byte order or in the little-endian
/// one. A damaged block is dropped.
template <typename Change>
void edit_exif(Bytes& block, const Change& change, bool little = false) {
  if (block.empty()) return;
  try {
    Exiv2::ExifData exif;
    const Exiv2::ByteOrder order =
        Exiv2::ExifParser::decode(exif, block.data(), static_cast<std::uint32_t>(block.size()));
    change(exif);
    block = encode_exif(exif, little ? Exiv2::littleEndian : order);
  } catch (const std::exception&) {
    block.clear();
  }
}

/// Decodes a packet, lets `change` edit it, and encodes it again where that says true. False: it is damaged.
template <typename Change>
bool edit_xmp(std::string& packet, const Change& change) {
  if (packet.empty()) return true;
  try {
    Exiv2::XmpData xmp;
    if (Exiv2::XmpParser::decode(xmp, packet) != 0) return false;
    std::string changed;
    if (change(xmp) && Exiv2::XmpParser::encode(changed, xmp) == 0) packet = changed;
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

/// Sets a property that is there already; whether that changed it.
bool correct(Exiv2::XmpData& xmp, const char* key, const std::string& value) {
  const auto found = xmp.findKey(Exiv2::XmpKey(key));
  if (found == xmp.end() || found->toString() == value) return false;
  found->setValue(value);
  return true;
}

template <typename Value>
void correct(Exiv2::ExifData& exif, const char* key, Value value) {
  const auto found = exif.findKey(Exiv2::ExifKey(key));
  if (found != exif.end()) *found = value;
}

/// Whole numbers that are places and lengths in pixels: across, down, across, down.
void multiply_shorts(Exiv2::ExifData& exif, const char* key, std::array<double, 2> factors) {
  const auto found = exif.findKey(Exiv2::ExifKey(key));
  if (found == exif.end()) return;
  Exiv2::UShortValue scaled;
  // Of three numbers the last is the diameter of a circle.
  for (long i = 0; i < found->count(); ++i)
    scaled.value_.push_back(static_cast<std::uint16_t>(
        std::clamp(static_cast<double>(found->toLong(i)) * factors[static_cast<std::size_t>(i % 2)], 0.0, 65535.0)));
  found->setValue(&scaled);
}

void multiply_fraction(Exiv2::ExifData& exif, const char* key, double factor) {
  const auto found = exif.findKey(Exiv2::ExifKey(key));
  if (found == exif.end() || found->count() < 1) return;
  const auto [above, below] = found->toRational();
  if (below == 0) return;
  const TiffField scaled = rational_field(static_cast<double>(static_cast<std::uint32_t>(above)) /
                                          static_cast<std::uint32_t>(below) * factor);
  *found = Exiv2::URational(static_cast<std::uint32_t>(little_endian(scaled.data, 0, 4)),
                            static_cast<std::uint32_t>(little_endian(scaled.data, 4, 4)));
}

Exiv2::URational fraction_of(double value) {
  const TiffField field = rational_field(value);
  return {static_cast<std::uint32_t>(little_endian(field.data, 0, 4)),
          static_cast<std::uint32_t>(little_endian(field.data, 4, 4))};
}

/// EXIF's tags on the resolution: where they are and say something else, or nowhere else can it be said.
void correct_resolution(Exiv2::ExifData& exif, const Resolution& resolution, bool needed) {
  if (!resolution.known()) return;
  const auto found = exif.findKey(Exiv2::ExifKey("Exif.Image.XResolution"));
  if (found == exif.end() && !needed) return;
  exif["Exif.Image.XResolution"] = fraction_of(resolution.across);
  exif["Exif.Image.YResolution"] = fraction_of(resolution.down);
  exif["Exif.Image.ResolutionUnit"] = static_cast<std::uint16_t>(1 + static_cast<int>(resolution.unit));
}

/// Namespaces whose properties describe other data of the file that they stand in.
struct StaleSpace {
  const char *space, *begin, *what;
};
constexpr const char *gain_map = "the HDR gain map belongs to the small picture",
                     *video = "the motion photo's video isn't part of the result",
                     *depth = "the depth map belongs to the small picture";
constexpr StaleSpace stale_spaces[] = {
    {"http://ns.adobe.com/hdr-gain-map/1.0/", "", gain_map},
    {"http://ns.apple.com/HDRGainMap/1.0/", "", gain_map},
    {"http://ns.google.com/photos/1.0/container/", "", nullptr},
    {"http://ns.google.com/photos/1.0/camera/", "MicroVideo", video},
    {"http://ns.google.com/photos/1.0/camera/", "MotionPhoto", video},
    {"http://ns.google.com/photos/1.0/depthmap/", "", depth},
    {"http://ns.google.com/photos/1.0/image/", "", depth},
    {"http://ns.google.com/photos/1.0/audio/", "", "the recorded sound isn't part of the result"},
    {"http://ns.google.com/photos/dd/1.0/device/", "", depth},
    {"http://ns.adobe.com/xmp/note/", "HasExtendedXMP", nullptr},
    {"http://ns.adobe.com/xap/1.0/", "Thumbnails", nullptr},
};

const StaleSpace* stale_space(const Exiv2::Xmpdatum& datum) {
  const std::string space = Exiv2::XmpProperties::ns(datum.groupName()), name = datum.tagName();
  for (const StaleSpace& stale : stale_spaces)
    if (space == stale.space && name.starts_with(stale.begin)) return &stale;
  return nullptr;
}

void note(std::vector<std::string>& dropped, const char* what) {
  if (what && std::find(dropped.begin(), dropped.end(), what) == dropped.end()) dropped.emplace_back(what);
}

bool erase_stale(Exiv2::XmpData& xmp, std::vector<std::string>& dropped) {
  const auto before = xmp.count();
  erase_if(xmp, [&](const Exiv2::Xmpdatum& datum) {
    const StaleSpace* stale = stale_space(datum);
    if (stale) note(dropped, stale->what);
    return stale != nullptr;
  });
  return xmp.count() != before;
}

bool add_missing(Exiv2::XmpData& xmp, const std::string& extension) {
  Exiv2::XmpData more;
  if (extension.empty() || Exiv2::XmpParser::decode(more, extension) != 0) return false;
  for (const auto& datum : more)
    if (xmp.findKey(Exiv2::XmpKey(datum.key())) == xmp.end()) xmp.add(datum);
  return true;
}

/// The property that a datum is a part of: "Xmp.a.b" of "Xmp.a.b[2]/c:d".
std::string property_of(const Exiv2::Xmpdatum& datum) {
  const std::string key = datum.key();
  return key.substr(0, key.find_first_of("[/"));
}

std::string encode_compactly(const Exiv2::XmpData& xmp) {
  std::string packet;
  constexpr auto format =
      Exiv2::XmpParser::omitPacketWrapper | Exiv2::XmpParser::useCompactFormat | Exiv2::XmpParser::omitAllFormatting;
  if (Exiv2::XmpParser::encode(packet, xmp, static_cast<std::uint16_t>(format)) != 0) packet.clear();
  return packet;
}

}  // namespace

namespace metadata {

CleanExif clean_exif(View raw) {
  CleanExif result;
  if (raw.empty()) return result;
  prepare();
  try {
    Exiv2::ExifData exif;
    const Exiv2::ByteOrder order = Exiv2::ExifParser::decode(exif, raw.data(), static_cast<std::uint32_t>(raw.size()));
    const auto tag = exif.findKey(Exiv2::ExifKey("Exif.Image.Orientation"));
    if (tag != exif.end() && tag->count() > 0)
      if (const long value = tag->toLong(); value >= 1 && value <= 8) result.orientation = static_cast<int>(value);
    result.damaged = exif.empty();
    erase_if(exif, is_layout_tag);
    result.block = encode_exif(exif, order);
  } catch (const std::exception&) {
    result = {{}, 1, true};
  }
  return result;
}

void clean_xmp(std::string& packet, const std::string& extension, std::vector<std::string>& dropped) {
  prepare();
  const bool sound = edit_xmp(packet, [&](Exiv2::XmpData& xmp) {
    const bool joined = add_missing(xmp, extension);
    return erase_stale(xmp, dropped) || joined;
  });
  if (sound) return;
  packet.clear();
  dropped.push_back("XMP is damaged");
}

void fit_exif(Bytes& block, const Result& result) {
  prepare();
  edit_exif(
      block,
      [&](Exiv2::ExifData& exif) {
        erase_if(exif, is_layout_tag);
        const auto width = static_cast<std::uint32_t>(result.width), height = static_cast<std::uint32_t>(result.height);
        correct(exif, "Exif.Photo.PixelXDimension", width);
        correct(exif, "Exif.Photo.PixelYDimension", height);
        correct(exif, "Exif.Iop.RelatedImageWidth", width);
        correct(exif, "Exif.Iop.RelatedImageLength", height);
        correct_resolution(exif, result.resolution, result.needs_resolution);
      },
      result.little_endian);
}

void fit_xmp(std::string& packet, const Result& result) {
  prepare();
  edit_xmp(packet, [&](Exiv2::XmpData& xmp) {
    const std::string width = std::to_string(result.width), height = std::to_string(result.height);
    bool changed = correct(xmp, "Xmp.exif.PixelXDimension", width);
    changed |= correct(xmp, "Xmp.exif.PixelYDimension", height);
    changed |= correct(xmp, "Xmp.tiff.ImageWidth", width);
    changed |= correct(xmp, "Xmp.tiff.ImageLength", height);
    if (!result.resolution.known()) return changed;
    const auto text = [](Exiv2::URational value) {
      return std::to_string(value.first) + "/" + std::to_string(value.second);
    };
    changed |= correct(xmp, "Xmp.tiff.XResolution", text(fraction_of(result.resolution.across)));
    changed |= correct(xmp, "Xmp.tiff.YResolution", text(fraction_of(result.resolution.down)));
    changed |= correct(xmp, "Xmp.tiff.ResolutionUnit", std::to_string(1 + static_cast<int>(result.resolution.unit)));
    return changed;
  });
}

void erase_position(Bytes& exif, std::string& packet) {
  prepare();
  edit_exif(exif, [](Exiv2::ExifData& data) {
    erase_if(data, [](const Exiv2::Exifdatum& datum) {
      return datum.groupName() == "GPSInfo" || (datum.groupName() == "Image" && datum.tag() == tag_gps);
    });
  });
  edit_xmp(packet, [](Exiv2::XmpData& xmp) {
    const auto before = xmp.count();
    erase_if(xmp, [](const Exiv2::Xmpdatum& datum) {
      return datum.groupName() == "exif" && datum.tagName().starts_with("GPS");
    });
    return xmp.count() != before;
  });
}

void erase_properties(std::string& packet, const std::string& space) {
  prepare();
  edit_xmp(packet, [&](Exiv2::XmpData& xmp) {
    erase_if(xmp, [&](const auto& datum) { return Exiv2::XmpProperties::ns(datum.groupName()) == space; });
    return true;
  });
}

std::string move_into_extension(std::string& packet, std::size_t limit) {
  prepare();
  Exiv2::XmpData xmp, moved;
  if (Exiv2::XmpParser::decode(xmp, packet) != 0) return {};
  const auto compact = encode_compactly(xmp);
  if (!compact.empty() && compact.size() <= limit) {
    packet = compact;
    return {};
  }
  // The largest properties go first.
  std::map<std::string, std::size_t> sizes;
  for (const auto& datum : xmp) sizes[property_of(datum)] += datum.key().size() + datum.toString().size() + 40;
  std::string extension, main;
  while (!sizes.empty()) {
    const auto largest =
        std::max_element(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    for (auto it = xmp.begin(); it != xmp.end();) {
      const bool goes = property_of(*it) == largest->first;
      if (goes) moved.add(*it);
      it = goes ? xmp.erase(it) : std::next(it);
    }
    sizes.erase(largest);
    // The reference to the extension has the length of any other.
    xmp["Xmp.xmpNote.HasExtendedXMP"] = std::string(32, '0');
    main = encode_compactly(xmp);
    if (main.size() <= limit) break;
  }
  extension = encode_compactly(moved);
  xmp["Xmp.xmpNote.HasExtendedXMP"] = xmp_digest(extension);
  packet = encode_compactly(xmp);
  return extension;
}

}  // namespace metadata

bool metadata_supported() noexcept { return true; }

void scale_metadata(Metadata& metadata, double across, double down) {
  if (across == 1 && down == 1) return;
  prepare();
  edit_exif(metadata.exif, [&](Exiv2::ExifData& exif) {
    // Of a pixel: its size, x y z; with its place in the picture, columns of a 4 x 4 matrix.
    multiply_doubles(exif, pixel_scale, 3, {1 / across, 1 / down});
    multiply_doubles(exif, transformation, 4, {1 / across, 1 / down});
    // Points: column, row, 0 and what they are on the earth.
    multiply_doubles(exif, tiepoints, 6, {across, down});
    multiply_shorts(exif, "Exif.Photo.SubjectArea", {across, down});
    multiply_shorts(exif, "Exif.Photo.SubjectLocation", {across, down});
    multiply_fraction(exif, "Exif.Photo.FocalPlaneXResolution", across);
    multiply_fraction(exif, "Exif.Photo.FocalPlaneYResolution", down);
  });
  edit_xmp(metadata.xmp, [&](Exiv2::XmpData& xmp) {
    bool changed = false;
    for (auto& datum : xmp) {
      const std::string name = datum.tagName();
      if (datum.groupName() != "GPano" || !name.ends_with("Pixels")) continue;
      const bool horizontal = name.find("Width") != std::string::npos || name.find("Left") != std::string::npos;
      datum.setValue(std::to_string(std::lround(static_cast<double>(datum.toLong()) * (horizontal ? across : down))));
      changed = true;
    }
    return changed;
  });
}

void reset_orientation(Metadata& metadata) {
  prepare();
  const bool turned = std::exchange(metadata.orientation, 1) != 1;
  edit_exif(metadata.exif, [&](Exiv2::ExifData& exif) {
    const auto before = exif.count();
    if (turned) erase_if(exif, is_geography);
    if (exif.count() != before) metadata.dropped.push_back("GeoTIFF's tags hold for the picture before it was turned");
    // Some files say it twice.
    const bool said = exif.findKey(Exiv2::ExifKey("Exif.Image.Orientation")) != exif.end();
    erase_if(exif, [](const Exiv2::Exifdatum& datum) {
      return datum.groupName() == "Thumbnail" || (datum.groupName() == "Image" && datum.tag() == tag_orientation);
    });
    if (said) exif["Exif.Image.Orientation"] = std::uint16_t{1};
  });
  edit_xmp(metadata.xmp, [](Exiv2::XmpData& xmp) { return correct(xmp, "Xmp.tiff.Orientation", "1"); });
}

}  // namespace ganvas
