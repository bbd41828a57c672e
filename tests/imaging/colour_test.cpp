#include <cmath>

#include "ganvas/imaging/colour.hpp"
#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// One a-trous level, straight from its definition: 3 x 3 weights [1 2 1]^2 / 16 at a distance, borders repeated.
cv::Mat slow_blur(const cv::Mat& picture, int distance) {
  cv::Mat result(picture.size(), picture.type());
  const int channels = picture.channels();
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols; ++x)
      for (int c = 0; c < channels; ++c) {
        double sum = 0;
        for (int j = -1; j <= 1; ++j)
          for (int i = -1; i <= 1; ++i) {
            const int row = std::clamp(y + j * distance, 0, picture.rows - 1);
            const int column = std::clamp(x + i * distance, 0, picture.cols - 1);
            sum += (2 - std::abs(i)) * (2 - std::abs(j)) * picture.ptr<double>(row)[column * channels + c];
          }
        result.ptr<double>(y)[x * channels + c] = sum / 16;
      }
  return result;
}

cv::Mat slow_low(const Image& image) {
  cv::Mat low;
  image.pixels.convertTo(low, CV_64F);
  for (int level = 0; level < 5; ++level) low = slow_blur(low, 1 << level);
  return low;
}

}  // namespace

TEST_CASE("luma has MATLAB's range and weights") {
  Image colours(4, 1, 3, Depth::u8);
  const cv::Vec3b values[] = {{0, 0, 0}, {255, 255, 255}, {255, 0, 0}, {0, 0, 255}};
  std::copy(std::begin(values), std::end(values), colours.pixels.ptr<cv::Vec3b>());
  const double expected[] = {16, 235, 81.481, 40.966};
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32}) {
    const Image luma = luma_bt601(to_depth(colours, depth));
    CHECK(luma.channels() == 1);
    for (int i = 0; i < 4; ++i) CHECK(luma.pixels.at<float>(0, i) == doctest::Approx(expected[i]).epsilon(1e-5));
  }
  const Image gray = noise(5, 5, 1, Depth::u8);
  CHECK(largest_difference(luma_bt601(gray), luma_bt601(to_rgb(gray))) < 1e-4);
}

TEST_CASE("the mean fix gives the reference's mean to every channel") {
  const Image reference = gradient(40, 30, 3, Depth::u16);
  Image shifted = reference.clone();
  shifted.pixels += cv::Scalar(300, -700, 1200);
  const Image fixed = fix_colour(shifted, reference, ColourFix::mean);
  CHECK(largest_difference(fixed, reference) <= 1);
  CHECK(same(fix_colour(shifted, reference, ColourFix::none), shifted));
}

TEST_CASE("the wavelet fix follows its definition") {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 8}, {70, 290}, {133, 45}})
    for (const int channels : {1, 3}) {
      INFO(width << " x " << height << " x " << channels);
      const Image result = noise(width, height, channels, Depth::u16, 1);
      const Image reference = noise(width, height, channels, Depth::u16, 2);
      cv::Mat expected;
      result.pixels.convertTo(expected, CV_64F);
      expected = expected - slow_low(result) + slow_low(reference);
      cv::Mat fixed, clipped = cv::min(cv::max(expected, 0.0), 65535.0);
      fix_colour(result, reference, ColourFix::wavelet).pixels.convertTo(fixed, CV_64F);
      CHECK(cv::norm(fixed, clipped, cv::NORM_INF) <= 0.51);
    }
}

TEST_CASE("colour fixes leave alpha alone and refuse mismatches") {
  const Image result = noise(20, 20, 4, Depth::u8, 1), reference = noise(20, 20, 4, Depth::u8, 2);
  for (const ColourFix method : {ColourFix::mean, ColourFix::wavelet})
    CHECK(same(alpha_part(fix_colour(result, reference, method)), alpha_part(result)));
  CHECK_THROWS_AS(fix_colour(result, noise(20, 21, 4, Depth::u8), ColourFix::mean), Error);
}
