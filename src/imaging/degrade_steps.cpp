#include "imaging/degrade_steps.hpp"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "ganvas/core/error.hpp"
#include "imaging/codecs.hpp"

namespace ganvas::degrading {

std::size_t pick(std::span<const double> weights, Rng& rng) {
  double rest = rng.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    if (rest < weights[i]) return i;
    rest -= weights[i];
    last = i;  // rounding may leave a rest behind the last one
  }
  return last;
}

bool happens(double probability, Rng& rng) { return rng.uniform() < probability; }

cv::Mat start(const Image& hr, int scale) {
  if (hr.channels() != 3 || hr.depth() != Depth::u8) fail(ErrorKind::usage, "only 8-bit RGB pictures are degraded");
  if (scale < 1 || hr.width() < scale || hr.height() < scale)
    fail(ErrorKind::usage, "can't shrink {} x {} pixels by {}", hr.width(), hr.height(), scale);
  cv::Mat pixels;
  hr.pixels(cv::Rect(0, 0, hr.width() / scale * scale, hr.height() / scale * scale))
      .convertTo(pixels, CV_32F, 1 / 255.0);
  return pixels;
}

Image finish(const cv::Mat& pixels) {
  cv::Mat rounded;
  pixels.convertTo(rounded, CV_8U, 255);  // saturates
  return Image(rounded);
}

namespace {

/// First and last input sample that output sample `i` touches.
std::pair<int, int> touched(int i, int input, int output) {
  const auto at = [&](std::int64_t place) { return place * input; };
  return {static_cast<int>(at(i) / output), static_cast<int>((at(i + 1) + output - 1) / output) - 1};
}

/// Enlarges by the mean of the input samples that an output sample touches, one or two an axis, as the published
/// training does. (OpenCV's own INTER_AREA takes the wrong one of two neighbours where they meet at a sample's edge.)
cv::Mat enlarge_area(const cv::Mat& pixels, cv::Size size) {
  cv::Mat result(size, CV_32FC3);
  std::vector<std::pair<int, int>> columns;
  for (int x = 0; x < size.width; ++x) columns.push_back(touched(x, pixels.cols, size.width));
  for (int y = 0; y < size.height; ++y) {
    const auto [top, bottom] = touched(y, pixels.rows, size.height);
    const auto *upper = pixels.ptr<cv::Vec3f>(top), *lower = pixels.ptr<cv::Vec3f>(bottom);
    auto* out = result.ptr<cv::Vec3f>(y);
    for (int x = 0; x < size.width; ++x) {
      const auto [left, right] = columns[x];
      out[x] = (upper[left] + upper[right] + lower[left] + lower[right]) * 0.25f;
    }
  }
  return result;
}

}  // namespace

cv::Mat resize_to(const cv::Mat& pixels, cv::Size size, ResizeMode mode) {
  size = {std::max(1, size.width), std::max(1, size.height)};
  if (size == pixels.size()) return pixels;
  if (mode == ResizeMode::area && size.width >= pixels.cols && size.height >= pixels.rows)
    return enlarge_area(pixels, size);
  const int method = mode == ResizeMode::area       ? cv::INTER_AREA
                     : mode == ResizeMode::bilinear ? cv::INTER_LINEAR
                                                    : cv::INTER_CUBIC;
  cv::Mat result;
  cv::resize(pixels, result, size, 0, 0, method);
  return result;
}

cv::Mat resize_to(const cv::Mat& pixels, cv::Size size, const std::vector<ResizeMode>& modes, Rng& rng) {
  return resize_to(pixels, size, modes.at(rng.below(modes.size())));
}

cv::Mat compress(const cv::Mat& pixels, const Interval& quality, Rng& rng) {
  const int whole = static_cast<int>(std::lround(quality.draw(rng)));
  constexpr int never = 101;
  const Bytes bytes = codecs::encode_jpeg(finish(pixels), whole, never);
  cv::Mat result;
  codecs::Decoding decoding;
  codecs::decode_jpeg(bytes, decoding).pixels.convertTo(result, CV_32F, 1 / 255.0);
  return result;
}

}  // namespace ganvas::degrading
