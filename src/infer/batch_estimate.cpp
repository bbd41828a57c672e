#include "infer/batch_estimate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ganvas/core/clock.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/progress.hpp"

namespace ganvas {

namespace {

double pixels(cv::Size size) { return static_cast<double>(size.width) * size.height; }

/// Bytes a pixel of enlarged photographs at the default settings, roughly.
double bytes_a_pixel(Format format) {
  switch (format) {
    case Format::png:
      return 1.5;
    case Format::jpeg:
      return 0.4;
    case Format::webp:
      return 0.3;
    case Format::tiff:
      return 1.7;
    case Format::bmp:
    case Format::pnm:
      return 3;
    case Format::tga:
    case Format::gif:
    case Format::heif:
    case Format::jxl:
      break;  // never written
  }
  return 3;
}

/// Seconds for a picture of this size by the second time it is done: the first one prepares kernels.
double seconds_for(const BatchWork& work, const DecodedImage& sample, cv::Size size) {
  constexpr double long_enough = 0.5;
  double seconds = 0;
  for (int round = 0; round < 2 && seconds < long_enough; ++round) {
    const double begin = seconds_now();
    work.process(sample, size, [](double) { throw_if_interrupted(); });
    seconds = seconds_now() - begin;
  }
  return seconds;
}

}  // namespace

void BatchEstimate::add(cv::Size from, cv::Size to, Format format) {
  pixels_in_ += pixels(from);
  pixels_out_ += pixels(to);
  bytes_ += pixels(to) * bytes_a_pixel(format);
}

std::string BatchEstimate::text(const BatchWork& work) const {
  if (pixels_in_ <= 0) return {};
  constexpr int side = 128;
  const int result = std::max(1, static_cast<int>(std::lround(side * std::sqrt(pixels_out_ / pixels_in_))));
  DecodedImage sample;
  sample.image = Image(side, side, 3, Depth::u8);
  sample.image.pixels.setTo(cv::Scalar(90, 110, 130));
  try {
    const double seconds = seconds_for(work, sample, {result, result}) * pixels_in_ / (side * side);
    return fmt::format("{:.1f} megapixels become {:.1f}: roughly {} and {:.1f} MB", pixels_in_ / 1e6, pixels_out_ / 1e6,
                       format_duration(seconds), bytes_ / 1e6);
  } catch (const std::exception&) {
    return {};  // e.g. a network for other pictures than this one
  }
}

}  // namespace ganvas
