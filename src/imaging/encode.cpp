#include <opencv2/core.hpp>

#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/alpha.hpp"
#include "ganvas/imaging/channels.hpp"
#include "ganvas/metadata/colour_profile.hpp"
#include "imaging/codecs.hpp"

namespace ganvas {
namespace {

Depth nearest_depth(Format format, Depth depth) {
  if (can_hold(format, depth, 1)) return depth;
  return can_hold(format, Depth::u16, 1) ? Depth::u16 : Depth::u8;
}

/// "PNG, TIFF or BMP": the formats that can.
template <typename Can>
std::string formats_that(const Can& can) {
  std::vector<std::string_view> labels;
  for (const FormatName& row : format_names)
    if (can(capacity_of(row.format))) labels.push_back(row.label);
  if (labels.size() < 2) return fmt::format("{}", fmt::join(labels, ""));
  const std::string_view last = labels.back();
  labels.pop_back();
  return fmt::format("{} or {}", fmt::join(labels, ", "), last);
}

void require_that_it_fits(const Image& image, Format format) {
  const FormatCapacity& holds = capacity_of(format);
  if (image.empty()) fail(ErrorKind::internal, "an empty picture can't be encoded");
  if (image.channels() > 4 && !holds.bands)
    fail_setting(ErrorKind::usage, "format", "a picture of {} channels can be stored as {} only", image.channels(),
                 formats_that([](const FormatCapacity& other) { return other.bands; }));
  const int side = std::max(image.width(), image.height());
  if (side > holds.longest_side)
    fail(ErrorKind::file, "{} x {} pixels are too large for {} (at most {} a side); write {}", image.width(),
         image.height(), name_of(format).label, holds.longest_side,
         formats_that([side](const FormatCapacity& other) { return other.longest_side >= side; }));
}

Image fitted(const Image& image, Format format) {
  const FormatCapacity& holds = capacity_of(format);
  require_that_it_fits(image, format);
  const Image stored =
      to_depth(image.has_alpha() && !holds.alpha ? over_white(image) : image, nearest_depth(format, image.depth()));
  const bool as_it_is = stored.channels() > 2 || (stored.has_alpha() ? holds.gray_alpha : holds.gray);
  if (as_it_is) return stored;
  return with_channels(stored, stored.channels() + 2);
}

}  // namespace

namespace codecs {

void drop_foreign_profile(Metadata& metadata, int channels) {
  const std::string_view wanted = channels <= 2 ? "GRAY" : "RGB ";
  if (metadata.icc.empty() || (channels <= 4 && marked(metadata.icc, 16, wanted))) return;
  metadata.icc.clear();
  metadata.dropped.push_back("the ICC profile is one for other colours than the picture's");
}

}  // namespace codecs

Bytes encode_image(const Image& image, Format format, const Metadata& metadata, const EncodeOptions& options,
                   std::vector<std::string>* dropped) {
  try {
    const Image stored = fitted(image, format);
    Bytes bytes = codecs::codec_of(format).encode(stored, options);
    Metadata carried = metadata;
    carried.dropped.clear();
    if (format == Format::jpeg || format == Format::webp || format == Format::tiff)
      turn_colours_into_profile(carried, stored.channels() <= 2);
    codecs::drop_foreign_profile(carried, stored.channels());
    bytes = embed_metadata(std::move(bytes), carried, stored.width(), stored.height(), dropped);
    if (dropped) dropped->insert(dropped->end(), carried.dropped.begin(), carried.dropped.end());
    return bytes;
  } catch (const std::bad_alloc&) {
    fail(ErrorKind::memory, "not enough memory to encode a picture of {} x {}", image.width(), image.height());
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem)
      fail(ErrorKind::memory, "not enough memory to encode a picture of {} x {}", image.width(), image.height());
    fail(ErrorKind::internal, "the picture can't be encoded ({})", error.err);
  }
}

void write_image(const std::filesystem::path& path, const Image& image, const Metadata& metadata,
                 const EncodeOptions& options, Existing existing) {
  const auto format = format_from_name(path.string());
  if (!format) fail(ErrorKind::usage, "{}: unknown extension; the formats are {}", path.string(), format_choices());
  Bytes bytes;
  try {
    bytes = encode_image(image, *format, metadata, options);
  } catch (const Error& error) {
    rethrow_named(path.string(), error);
  }
  write_file_atomically(path, bytes, existing);
}

}  // namespace ganvas
