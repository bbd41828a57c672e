#include "imaging/degrade_steps.hpp"

#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>

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

cv::Mat resize_to(const cv::Mat& pixels, cv::Size size, ResizeMode mode) {
  size = {std::max(1, size.width), std::max(1, size.height)};
  if (size == pixels.size()) return pixels;
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
  codecs::decode_jpeg(bytes).pixels.convertTo(result, CV_32F, 1 / 255.0);
  return result;
}

}  // namespace ganvas::degrading
