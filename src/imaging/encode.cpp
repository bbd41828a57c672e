#include <opencv2/core.hpp>

#include "ganvas/imaging/alpha.hpp"
#include "imaging/codecs.hpp"

namespace ganvas {
namespace {

Depth nearest_depth(Format format, Depth depth) {
  if (can_hold(format, depth, 1)) return depth;
  return can_hold(format, Depth::u16, 1) ? Depth::u16 : Depth::u8;
}

Image fitted(const Image& image, Format format) {
  if (image.empty()) fail(ErrorKind::internal, "an empty picture can't be encoded");
  if (image.channels() > 4 && !can_hold(format, image.depth(), image.channels()))
    fail(ErrorKind::usage,
         "a picture of {} channels can be stored as TIFF only; name the output .tif or use --format tiff",
         image.channels());
  const bool flatten = image.has_alpha() && !can_hold(format, Depth::u8, image.channels());
  return to_depth(flatten ? over_white(image) : image, nearest_depth(format, image.depth()));
}

Bytes encode_pixels(const Image& image, Format format, const EncodeOptions& options) {
  switch (format) {
    case Format::png:
      return codecs::encode_png(image, options.png_level);
    case Format::jpeg:
      return codecs::encode_jpeg(image, options.quality);
    case Format::webp:
      return codecs::encode_webp(image, options.quality);
    case Format::tiff:
      return codecs::encode_tiff(image);
    case Format::bmp:
      return codecs::encode_bmp(image);
    case Format::pnm:
      return codecs::encode_pnm(image);
  }
  fail(ErrorKind::internal, "unknown picture format");
}

}  // namespace

namespace codecs {

void require_size_at_most(const Image& image, int limit, std::string_view format) {
  if (image.width() > limit || image.height() > limit)
    fail(ErrorKind::file, "{} x {} pixels are too large for {} (at most {} a side); write PNG or TIFF", image.width(),
         image.height(), format, limit);
}

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
    Bytes bytes = encode_pixels(stored, format, options);
    Metadata carried = metadata;
    carried.dropped.clear();
    // WebP stores gray as RGB.
    codecs::drop_foreign_profile(carried, format == Format::webp ? 3 : stored.channels());
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
                 const EncodeOptions& options) {
  const auto format = format_from_name(path.string());
  if (!format) fail(ErrorKind::usage, "{}: unknown extension; use png, jpg, webp, tif, bmp, pgm or ppm", path.string());
  Bytes bytes;
  try {
    bytes = encode_image(image, *format, metadata, options);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: {}", path.string(), error.what()));
  }
  write_file_atomically(path, bytes);
}

}  // namespace ganvas
