#include "ganvas/data/distort.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/resize.hpp"

namespace ganvas {

namespace {

cv::Mat normal_noise(cv::Size size, int channels, double sigma, Rng& rng) {
  cv::Mat noise(size, CV_MAKETYPE(CV_32F, channels));
  cv::RNG source(rng.next());
  source.fill(noise, cv::RNG::NORMAL, 0.0, sigma);
  if (channels == 1) cv::merge(std::array<cv::Mat, 3>{noise, noise, noise}, noise);
  return noise;
}

cv::Mat added(const cv::Mat& pixels, const cv::Mat& difference) {
  cv::Mat sum;
  cv::add(pixels, difference, sum, cv::noArray(), CV_8U);
  return sum;
}

cv::Mat blurred(const cv::Mat& pixels, Rng& rng) {
  cv::Mat result;
  cv::GaussianBlur(pixels, result, {}, rng.uniform(0.4, 2.5), rng.uniform(0.4, 2.5));
  return result;
}

cv::Mat noisy(const cv::Mat& pixels, Rng& rng) {
  const int channels = rng.uniform() < 0.5 ? 1 : 3;
  return added(pixels, normal_noise(pixels.size(), channels, rng.uniform(2.0, 30.0), rng));
}

/// Grain of two to five pixels.
cv::Mat coarsely_noisy(const cv::Mat& pixels, Rng& rng) {
  const double grain = rng.uniform(1.5, 5.0);
  const cv::Size small(std::max(2, static_cast<int>(pixels.cols / grain)),
                       std::max(2, static_cast<int>(pixels.rows / grain)));
  cv::Mat noise = normal_noise(small, rng.uniform() < 0.5 ? 1 : 3, rng.uniform(3.0, 30.0), rng);
  cv::resize(noise, noise, pixels.size(), 0, 0, rng.uniform() < 0.3 ? cv::INTER_NEAREST : cv::INTER_CUBIC);
  return added(pixels, noise);
}

cv::Mat compressed(const cv::Mat& pixels, Rng& rng) {
  const Bytes bytes = encode_image(Image(pixels), Format::jpeg, {}, {.quality = static_cast<int>(8 + rng.below(85))});
  return decode_image(bytes, "JPEG").image.pixels;
}

cv::Mat shrunk(const cv::Mat& pixels, Rng& rng) {
  const double factor = rng.uniform(1.5, 4.5);
  const int width = std::max(2, static_cast<int>(pixels.cols / factor));
  const int height = std::max(2, static_cast<int>(pixels.rows / factor));
  const Image small = resize(Image(pixels), width, height);
  if (rng.uniform() < 0.75) return resize(small, pixels.cols, pixels.rows).pixels;
  cv::Mat blocky;
  cv::resize(small.pixels, blocky, pixels.size(), 0, 0, cv::INTER_NEAREST);
  return blocky;
}

cv::Mat shifted(const cv::Mat& pixels, Rng& rng) {
  const cv::Mat matrix = (cv::Mat_<double>(2, 3) << 1, rng.uniform(-0.02, 0.02), rng.uniform(-2.0, 2.0),
                          rng.uniform(-0.02, 0.02), 1, rng.uniform(-2.0, 2.0));
  cv::Mat result;
  cv::warpAffine(pixels, result, matrix, pixels.size(), cv::INTER_CUBIC, cv::BORDER_REFLECT_101);
  return result;
}

/// Every pixel from somewhere near: smooth waves, or scattered like frosted glass, as invented texture is.
cv::Mat displaced(const cv::Mat& pixels, Rng& rng) {
  const double grain = rng.uniform() < 0.5 ? 1.0 : rng.uniform(2.0, 10.0);
  const cv::Size small(std::max(2, static_cast<int>(pixels.cols / grain)),
                       std::max(2, static_cast<int>(pixels.rows / grain)));
  const double reach = rng.uniform(0.3, grain > 1 ? 2.0 : 1.2);
  std::array<cv::Mat, 2> maps;
  for (int axis = 0; axis < 2; ++axis) {
    cv::Mat& map = maps[static_cast<std::size_t>(axis)];
    map = cv::Mat(small, CV_32F);
    cv::RNG(rng.next()).fill(map, cv::RNG::NORMAL, 0.0, reach);
    cv::resize(map, map, pixels.size(), 0, 0, cv::INTER_CUBIC);
    for (int y = 0; y < map.rows; ++y)
      for (int x = 0; x < map.cols; ++x) map.at<float>(y, x) += static_cast<float>(axis == 0 ? x : y);
  }
  cv::Mat result;
  cv::remap(pixels, result, maps[0], maps[1], cv::INTER_LINEAR, cv::BORDER_REFLECT_101);
  return result;
}

cv::Mat recoloured(const cv::Mat& pixels, Rng& rng) {
  const double gain = rng.uniform(0.8, 1.25), offset = rng.uniform(-20.0, 20.0);
  cv::Mat colours = cv::Mat::zeros(3, 4, CV_64F);
  for (int c = 0; c < 3; ++c) {
    colours.at<double>(c, c) = gain * rng.uniform(0.92, 1.08);
    colours.at<double>(c, 3) = offset + rng.uniform(-8.0, 8.0);
  }
  cv::Mat result;
  cv::transform(pixels, result, colours);
  return result;
}

cv::Mat sharpened(const cv::Mat& pixels, Rng& rng) {
  cv::Mat smooth, result;
  cv::GaussianBlur(pixels, smooth, {}, rng.uniform(0.7, 2.0));
  const double amount = rng.uniform(0.3, 2.5);
  cv::addWeighted(pixels, 1 + amount, smooth, -amount, 0, result);
  return result;
}

cv::Mat median(const cv::Mat& pixels, Rng& rng) {
  cv::Mat result;
  cv::medianBlur(pixels, result, rng.uniform() < 0.6 ? 3 : 5);
  return result;
}

using Damage = cv::Mat (*)(const cv::Mat&, Rng&);
/// Twice in the list: twice as often.
constexpr std::array<Damage, 14> damages{blurred,    noisy,     coarsely_noisy, coarsely_noisy, compressed,
                                         shrunk,     shrunk,    shifted,        displaced,      displaced,
                                         recoloured, sharpened, median,         compressed};

}  // namespace

Image distort(const Image& picture, Rng& rng) {
  cv::Mat result = picture.pixels.clone();
  const int steps = rng.uniform() < 0.6 ? 1 : 2;
  for (int i = 0; i < steps; ++i) result = damages[rng.below(damages.size())](result, rng);
  const double strength = rng.uniform(0.4, 1.2);
  cv::Mat blend;
  cv::addWeighted(result, strength, picture.pixels, 1 - strength, 0, blend);
  return Image(blend);
}

}  // namespace ganvas
