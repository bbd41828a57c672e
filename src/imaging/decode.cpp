#include <opencv2/core.hpp>

#include "ganvas/core/log.hpp"
#include "ganvas/core/setting_error.hpp"
#include "ganvas/imaging/picture_stream.hpp"
#include "imaging/codecs.hpp"
#include "imaging/planes.hpp"
#include "imaging/sniff.hpp"

namespace ganvas {
namespace {

using codecs::reject;
using codecs::View;

Format known_format(View bytes) {
  if (bytes.empty()) reject("is empty");
  if (const auto format = sniff_format(bytes)) return *format;
  for (const ForeignFormat& foreign : foreign_formats())
    if (has_mark(bytes, foreign)) reject(refusal_of(foreign));
  reject(fmt::format("is no picture of a supported format ({})", format_labels()));
}

codecs::Facts inspect(View bytes, Format format) {
  const codecs::Facts facts = codecs::codec_of(format).inspect(bytes);
  if (facts.width < 1 || facts.height < 1) codecs::reject_damaged();
  return facts;
}

void require_size(const codecs::Facts& facts, std::uint64_t max_pixels) {
  // Both factors are below 2^32, so that the product fits.
  const auto pixels = static_cast<std::uint64_t>(facts.width) * static_cast<std::uint64_t>(facts.height);
  if (pixels > max_pixels || facts.width > INT32_MAX || facts.height > INT32_MAX)
    fail_setting(ErrorKind::file, "max_pixels", "claims {} x {} pixels, more than the limit of {}", facts.width,
                 facts.height, max_pixels);
}

/// OpenCV's own knows no pixels of so many samples.
cv::Mat transposed(const cv::Mat& pixels) {
  if (pixels.channels() <= 4) return pixels.t();
  return each_plane(pixels, [](const cv::Mat& plane, int) -> cv::Mat { return plane.t(); });
}

/// Turns and mirrors as EXIF orientations 1..8 ask for.
Image upright(const Image& image, int orientation) {
  if (orientation <= 1) return image;
  Image result = image;
  if (orientation >= 5) result = Image(transposed(image.pixels));
  // What is left to do after the transposition: 0 around x, 1 around y, -1 both.
  constexpr int none = 2, flips[] = {none, none, 1, -1, 0, none, 1, -1, 0};
  if (flips[orientation] == none) return result;
  Image flipped;
  cv::flip(result.pixels, flipped.pixels, flips[orientation]);
  return flipped;
}

/// Runs `work`; every failure leaves as one line that begins with the file's name.
template <typename Work>
auto named(const std::string& name, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    rethrow_named(name, error);
  } catch (const std::bad_alloc&) {
    fail(ErrorKind::memory, "{}: not enough memory to decode the picture", name);
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) fail(ErrorKind::memory, "{}: not enough memory to decode the picture", name);
    fail(ErrorKind::file, "{}: can't be decoded ({})", name, error.err);
  }
}

}  // namespace

ImageHeader read_header(std::span<const std::uint8_t> bytes, const std::string& name) {
  return named(name, [&] {
    const Format format = known_format(bytes);
    const codecs::Facts facts = inspect(bytes, format);
    return ImageHeader{format, facts.width, facts.height, facts.orientation};
  });
}

DecodedImage decode_image(std::span<const std::uint8_t> bytes, const std::string& name, const DecodeOptions& options) {
  return named(name, [&] {
    DecodedImage decoded;
    decoded.format = known_format(bytes);
    const codecs::Facts facts = inspect(bytes, decoded.format);
    require_size(facts, options.max_pixels);
    // Some phones put another JPEG behind the first without a word.
    const bool film = decoded.format != Format::jpeg && holds_several_pictures(bytes);
    if (facts.several || film) codecs::reject_several();
    codecs::Decoding decoding{options.numbers};
    decoded.image = codecs::codec_of(decoded.format).decode(bytes, decoding);
    for (const auto& warning : decoding.warnings) log(LogLevel::warning, "{}: {}", name, warning);
    decoded.metadata = decoding.metadata ? clean_metadata(std::move(*decoding.metadata)) : read_metadata(bytes);
    decoded.metadata.orientation = facts.orientation;  // as read_header says it
    decoded.jpeg_quality = facts.jpeg_quality;
    codecs::drop_foreign_profile(decoded.metadata, decoded.image.channels());
    if (options.apply_orientation) {
      decoded.image = upright(decoded.image, decoded.metadata.orientation);
      reset_orientation(decoded.metadata);
    }
    return decoded;
  });
}

DecodedImage read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode_image(read_file(path), path.string(), options);
}

}  // namespace ganvas
