// The only file that knows exiv2 (GPL): see GANVAS_WITH_EXIV2.
#include "ganvas/metadata/metadata.hpp"

#include <exiv2/exiv2.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "metadata/containers.hpp"

namespace ganvas {
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
  });
}

/// Tags that describe how the pixels lie in one particular file. Carried into another file they would be lies.
bool is_layout_tag(const Exiv2::Exifdatum& datum) {
  const std::string group = datum.groupName();
  if (group == "Thumbnail" || group.starts_with("SubImage") || group.starts_with("SubThumb") || group == "Image2" ||
      group == "Image3")
    return true;
  if (group == "Iop") return false;
  if (group != "Image") return false;
  constexpr std::array<std::uint16_t, 44> tags = {
      0x00fe, 0x00ff, 0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0107, 0x0108, 0x0109, 0x010a,
      0x0111, 0x0115, 0x0116, 0x0117, 0x0118, 0x0119, 0x011c, 0x0120, 0x0121, 0x0122, 0x0123,
      0x013d, 0x0140, 0x0141, 0x0142, 0x0143, 0x0144, 0x0145, 0x014a, 0x0152, 0x0153, 0x015b,
      0x0200, 0x0201, 0x0202, 0x0203, 0x0211, 0x0212, 0x0213, 0x0214, 0x02bc, 0x8773, 0xc612};
  return std::find(tags.begin(), tags.end(), datum.tag()) != tags.end();
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

/// Decodes a raw EXIF block, lets `change` edit it, and encodes it again. A damaged block is dropped.
template <typename Change>
void edit_exif(std::vector<std::uint8_t>& block, const Change& change) {
  if (block.empty()) return;
  try {
    Exiv2::ExifData exif;
    const Exiv2::ByteOrder order =
        Exiv2::ExifParser::decode(exif, block.data(), static_cast<std::uint32_t>(block.size()));
    change(exif);
    block = encode_exif(exif, order);
  } catch (const std::exception&) {
    block.clear();
  }
}

/// Sets the properties that are there already to `value`; packets without any of them stay as they are, byte by byte.
void correct_xmp(std::string& packet, std::initializer_list<std::pair<const char*, long>> values) {
  if (packet.empty()) return;
  try {
    Exiv2::XmpData xmp;
    if (Exiv2::XmpParser::decode(xmp, packet) != 0) return;
    bool changed = false;
    for (const auto& [key, value] : values) {
      const auto found = xmp.findKey(Exiv2::XmpKey(key));
      if (found == xmp.end() || found->toString() == std::to_string(value)) continue;
      found->setValue(std::to_string(value));
      changed = true;
    }
    std::string corrected;
    if (changed && Exiv2::XmpParser::encode(corrected, xmp) == 0) packet = corrected;
  } catch (const std::exception&) {
  }
}

void correct_size(Exiv2::ExifData& exif, long width, long height) {
  const auto correct = [&](const char* key, long value) {
    const auto found = exif.findKey(Exiv2::ExifKey(key));
    if (found != exif.end()) *found = static_cast<std::uint32_t>(value);
  };
  correct("Exif.Photo.PixelXDimension", width);
  correct("Exif.Photo.PixelYDimension", height);
}

/// In a TIFF, EXIF tags and the tags of the picture itself share a directory, which takes exiv2 to rewrite.
bool embed_in_tiff(Exiv2::Image& image, const Metadata& metadata) {
  if (!image.checkMode(Exiv2::mdExif)) return false;
  Exiv2::ExifData exif = image.exifData();
  if (!metadata.exif.empty()) {
    Exiv2::ExifData carried;
    image.setByteOrder(
        Exiv2::ExifParser::decode(carried, metadata.exif.data(), static_cast<std::uint32_t>(metadata.exif.size())));
    for (const auto& datum : carried) exif[datum.key()] = datum;
  }
  image.setExifData(exif);
  if (!metadata.icc.empty()) {
    Exiv2::DataBuf icc(metadata.icc.data(), static_cast<long>(metadata.icc.size()));
    image.setIccProfile(icc);
  }
  if (!metadata.xmp.empty()) {
    image.setXmpPacket(metadata.xmp);
    image.writeXmpFromPacket(true);
  }
  image.writeMetadata();
  return true;
}

std::vector<std::uint8_t> bytes_of(Exiv2::Image& image) {
  Exiv2::BasicIo& io = image.io();
  if (io.open() != 0) throw Exiv2::Error(Exiv2::kerFailedToReadImageData);
  const auto* data = io.mmap();
  return {data, data + io.size()};
}

}  // namespace

bool metadata_supported() noexcept { return true; }

Metadata read_metadata(std::span<const std::uint8_t> encoded) try {
  prepare();
  Metadata metadata;
  const auto image = Exiv2::ImageFactory::open(encoded.data(), static_cast<long>(encoded.size()));
  image->readMetadata();
  Exiv2::ExifData& exif = image->exifData();
  if (const auto tag = exif.findKey(Exiv2::ExifKey("Exif.Image.Orientation")); tag != exif.end() && tag->count() > 0)
    if (const long value = tag->toLong(); value >= 1 && value <= 8) metadata.orientation = static_cast<int>(value);
  if (image->iccProfileDefined()) {
    const Exiv2::DataBuf& icc = *image->iccProfile();
    metadata.icc.assign(icc.pData_, icc.pData_ + icc.size_);
  }
  metadata.xmp = image->xmpPacket();
  erase_if(exif, is_layout_tag);
  metadata.exif = encode_exif(exif, image->byteOrder());
  return metadata;
} catch (const std::exception&) {
  return {};
}

void scale_geography(Metadata& metadata, double across, double down) {
  if (across == 1 && down == 1) return;
  prepare();
  edit_exif(metadata.exif, [&](Exiv2::ExifData& exif) {
    // Of a pixel: its size, x y z; with its place in the picture, columns of a 4 x 4 matrix.
    multiply_doubles(exif, pixel_scale, 3, {1 / across, 1 / down});
    multiply_doubles(exif, transformation, 4, {1 / across, 1 / down});
    // Points: column, row, 0 and what they are on the earth.
    multiply_doubles(exif, tiepoints, 6, {across, down});
  });
}

void reset_orientation(Metadata& metadata) {
  prepare();
  const bool turned = std::exchange(metadata.orientation, 1) != 1;
  edit_exif(metadata.exif, [turned](Exiv2::ExifData& exif) {
    if (turned) erase_if(exif, is_geography);
    const auto tag = exif.findKey(Exiv2::ExifKey("Exif.Image.Orientation"));
    if (tag != exif.end()) *tag = std::uint16_t{1};
    erase_if(exif, [](const Exiv2::Exifdatum& datum) { return datum.groupName() == "Thumbnail"; });
  });
  correct_xmp(metadata.xmp, {{"Xmp.tiff.Orientation", 1}});
}

std::vector<std::uint8_t> embed_metadata(std::vector<std::uint8_t> encoded, const Metadata& metadata) try {
  if (metadata.empty()) return encoded;
  prepare();
  const auto image = Exiv2::ImageFactory::open(encoded.data(), static_cast<long>(encoded.size()));
  image->readMetadata();
  const long width = image->pixelWidth(), height = image->pixelHeight();
  Metadata carried = metadata;
  edit_exif(carried.exif, [&](Exiv2::ExifData& exif) {
    erase_if(exif, is_layout_tag);
    correct_size(exif, width, height);
  });
  correct_xmp(carried.xmp, {{"Xmp.exif.PixelXDimension", width},
                            {"Xmp.exif.PixelYDimension", height},
                            {"Xmp.tiff.ImageWidth", width},
                            {"Xmp.tiff.ImageLength", height}});
  if (auto inserted = insert_blocks(encoded, carried)) return std::move(*inserted);
  return embed_in_tiff(*image, carried) ? bytes_of(*image) : encoded;
} catch (const std::exception&) {
  return encoded;
}

}  // namespace ganvas
