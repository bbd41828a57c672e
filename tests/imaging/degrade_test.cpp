#include "ganvas/imaging/degrade.hpp"

#include <cmath>
#include <functional>
#include <opencv2/imgproc.hpp>
#include <set>

#include "ganvas/imaging/resize.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// Neither blur nor resizing nor noise.
DegradeStage idle_stage() {
  DegradeStage stage;
  stage.blur_probability = 0;
  stage.resize_weights = {0, 0, 1};
  stage.gaussian_probability = 1;
  stage.gaussian_sigma = {0, 0};
  return stage;
}

/// Nothing but JPEG of `quality`, shrinking aside.
DegradeOptions idle(double quality = 100) {
  DegradeOptions options;
  options.first = options.second = idle_stage();
  options.jpeg_quality = options.final_jpeg_quality = {quality, quality};
  options.final_sinc_probability = 0;
  return options;
}

Image flat(int side, int level) {
  Image image(side, side, 3, Depth::u8);
  image.pixels.setTo(cv::Scalar::all(level));
  return image;
}

/// A bright square on gray.
Image square() {
  Image image = flat(32, 80);
  image.pixels(cv::Rect(12, 12, 9, 9)).setTo(cv::Scalar::all(230));
  return image;
}

/// Gray noise of moderate contrast.
Image grain() {
  Image image = to_rgb(noise(64, 64, 1, Depth::u8));
  image.pixels = image.pixels / 4 + cv::Scalar::all(96);
  return image;
}

/// Rises by 2 levels a pixel to the right.
Image slope(int width, int height) {
  Image image(width, height, 3, Depth::u8);
  for (int x = 0; x < width; ++x) image.pixels.col(x) = cv::Scalar::all(20 + 2 * x);
  return image;
}

double deviation(const Image& image) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(image.pixels, mean, deviation);
  return deviation[0];
}

/// Whether a share of `runs` degradations that have a property is within 5 standard deviations of `probability`.
template <typename Options>
void check_share(const Image& picture, const Options& options, double probability,
                 const std::function<bool(const Image&)>& property) {
  constexpr int runs = 500;
  int count = 0;
  for (int i = 0; i < runs; ++i) {
    Rng rng = Rng::for_item(3, i);
    count += property(degrade(picture, options, 1, rng));
  }
  const double deviation = std::sqrt(probability * (1 - probability) / runs);
  CHECK(std::abs(static_cast<double>(count) / runs - probability) <= 5 * deviation);
}

/// Mean square of the luma's 8 x 8 DCT coefficients above the diagonal, blocks beginning at (offset, offset).
double fine_detail(const Image& image, int offset) {
  cv::Mat luma;
  to_gray(image).pixels.convertTo(luma, CV_32F);
  double sum = 0;
  int blocks = 0;
  for (int y = offset; y + 8 <= luma.rows; y += 8)
    for (int x = offset; x + 8 <= luma.cols; x += 8, ++blocks) {
      cv::Mat block;
      cv::dct(luma(cv::Rect(x, y, 8, 8)), block);
      for (int v = 0; v < 8; ++v)
        for (int u = 0; u < 8; ++u)
          if (u + v >= 8) sum += block.at<float>(v, u) * block.at<float>(v, u) / 28;
    }
  return sum / blocks;
}

template <typename Options>
void check_sizes_and_seeds(const Options& options) {
  for (const int scale : {1, 2, 3, 4, 8})
    for (const cv::Size size : {cv::Size(8, 8), {9, 31}, {67, 50}}) {
      const Image hr = noise(size.width, size.height, 3, Depth::u8);
      for (std::uint64_t i = 0; i < 20; ++i) {
        Rng one = Rng::for_item(1, i), same_one = Rng::for_item(1, i);
        const Image lr = degrade(hr, options, scale, one);
        CHECK(lr.width() == size.width / scale);
        CHECK(lr.height() == size.height / scale);
        CHECK(lr.depth() == Depth::u8);
        CHECK(same(lr, degrade(hr, options, scale, same_one)));
        CHECK(one.state() == same_one.state());
      }
    }
  std::set<double> sums;
  for (std::uint64_t i = 0; i < 50; ++i) {
    Rng rng = Rng::for_item(1, i);
    const Image lr = degrade(noise(64, 64, 3, Depth::u8), options, 2, rng);
    sums.insert(cv::norm(lr.pixels, cv::NORM_L1) + 1e-3 * cv::norm(lr.pixels, cv::NORM_L2));
  }
  CHECK(sums.size() == 50);
  Rng rng;
  CHECK_THROWS_AS(degrade(noise(3, 9, 3, Depth::u8), options, 4, rng), Error);
  CHECK_THROWS_AS(degrade(noise(9, 9, 3, Depth::u8), options, 0, rng), Error);
  CHECK_THROWS_AS(degrade(noise(9, 9, 1, Depth::u8), options, 1, rng), Error);
  CHECK_THROWS_AS(degrade(noise(9, 9, 3, Depth::u16), options, 1, rng), Error);
}

/// A slope must neither shift nor change its height: blur and resizing keep linear functions.
template <typename Options>
void check_no_shift(const Options& options, int scale) {
  const Image hr = slope(96, 64);
  for (std::uint64_t i = 0; i < 100; ++i) {
    CAPTURE(i);
    CAPTURE(scale);
    Rng rng = Rng::for_item(2, i);
    const Image lr = degrade(hr, options, scale, rng);
    double shift = 0;  // in high-resolution pixels, in the middle, where no border reaches
    const int from = lr.width() / 2 - 2, count = 4;
    for (int x = from; x < from + count; ++x)
      shift += (cv::mean(lr.pixels.col(x))[1] - 20) / 2 - (scale * x + (scale - 1) / 2.0);
    CAPTURE(lr.pixels.row(lr.height() / 2));
    CHECK(std::abs(shift / count) < 0.75);
  }
}

}  // namespace

TEST_CASE("degrade: size, type, and a function of picture and generator alone") {
  check_sizes_and_seeds(DegradeOptions{});
  check_sizes_and_seeds(BsrganOptions{});
}

TEST_CASE("degrade: with every part idle only JPEG is left") {
  Rng rng(1);
  const Image smooth = gradient(48, 48, 3, Depth::u8);
  CHECK(largest_difference(degrade(smooth, idle(), 1, rng), smooth) <= 4);
  const Image small = degrade(smooth, idle(), 4, rng);
  CHECK(largest_difference(small, shrink_bicubic(smooth, 4)) <= 8);
}

TEST_CASE("degrade: JPEG takes fine detail out of 8 x 8 blocks, more at low quality, and halves chroma") {
  const Image picture = grain();
  Rng rng(1);
  const Image low = degrade(picture, idle(30), 1, rng), high = degrade(picture, idle(95), 1, rng);
  CHECK(fine_detail(low, 0) < 0.2 * fine_detail(picture, 0));
  CHECK(fine_detail(high, 0) > 0.7 * fine_detail(picture, 0));
  CHECK(fine_detail(low, 4) > 1.5 * fine_detail(low, 0));
  CHECK(cv::norm(low.pixels, picture.pixels) > 2 * cv::norm(high.pixels, picture.pixels));
  // Columns red and blue in turn: at half the resolution only their mean is left, at any quality.
  Image stripes = flat(32, 0);
  for (int x = 0; x < 32; ++x) stripes.pixels.col(x) = x % 2 ? cv::Scalar(150, 100, 60) : cv::Scalar(60, 100, 150);
  const Image faded = degrade(stripes, idle(100), 1, rng);
  const auto contrast = [](const Image& image) {
    const cv::Vec3b a = image.pixels.at<cv::Vec3b>(16, 16), b = image.pixels.at<cv::Vec3b>(16, 17);
    return std::abs((a[0] - a[2]) - (b[0] - b[2]));
  };
  CHECK(contrast(stripes) == 180);
  CHECK(contrast(faded) < 20);
}

TEST_CASE("degrade: each probability is hit") {
  DegradeOptions options = idle();
  options.first.gray_probability = 0.4;
  options.first.gaussian_sigma = {20, 20};
  check_share(flat(16, 128), options, 0.4, [](const Image& image) {
    std::vector<cv::Mat> planes;
    cv::split(image.pixels, planes);
    return cv::norm(planes[0], planes[2], cv::NORM_INF) <= 3;
  });
  options = idle();
  options.second.gaussian_probability = 0.7;
  options.second.poisson_scale = {0.3, 0.3};
  check_share(flat(16, 128), options, 0.3, [](const Image& image) { return deviation(image) > 10; });
  options = idle();
  options.second.blur_probability = 0.8;
  options.second.sinc_probability = 0;  // some low passes change little
  options.second.sigma = {2, 3};
  const Image sharp = square();
  const auto changed = [&](const Image& image) { return cv::norm(image.pixels, sharp.pixels, cv::NORM_INF) > 12; };
  check_share(sharp, options, 0.8, changed);
  options = idle();
  options.first.resize_weights = {3, 5, 2};
  options.first.resize_modes = {ResizeMode::bilinear};
  check_share(sharp, options, 0.8, changed);
  // Only a low pass rings: below the background beside a bright square.
  const auto rings = [](const Image& image) {
    double low = 0;
    cv::minMaxLoc(image.pixels.reshape(1), &low);
    return low < 73;
  };
  options = idle();
  options.first.blur_probability = 1;
  options.first.sinc_probability = 0.1;
  options.first.sinc_cutoff = options.first.sinc_cutoff_small = {0.4, 0.5};
  options.first.sigma = {1, 3};
  check_share(sharp, options, 0.1, rings);
  options = idle();
  options.final_sinc_probability = 0.8;
  options.final_sinc_cutoff = {0.4, 0.5};
  check_share(sharp, options, 0.8, rings);
}

TEST_CASE("degrade: JPEG comes last or before the shrinking, as asked") {
  const Image picture = grain();
  // At low resolution, blocks show on the grid only where nothing was resized behind them.
  DegradeOptions options = idle(30);
  options.jpeg_quality = {100, 100};
  options.second.resize_weights = {1, 0, 0};
  options.second.resize_range = {1.3, 1.3};
  Rng rng(4);
  options.jpeg_last_probability = 1;
  const Image last = degrade(picture, options, 1, rng);
  CHECK(fine_detail(last, 4) > 1.5 * fine_detail(last, 0));
  options.jpeg_last_probability = 0;
  const Image before = degrade(picture, options, 1, rng);
  CHECK(fine_detail(before, 4) < 1.3 * fine_detail(before, 0));
}

TEST_CASE("degrade: nothing shifts") {
  DegradeOptions options;
  options.first.gaussian_probability = options.second.gaussian_probability = 1;
  options.first.gaussian_sigma = options.second.gaussian_sigma = {0, 0};
  options.jpeg_quality = options.final_jpeg_quality = {100, 100};
  for (const int scale : {1, 2, 4}) check_no_shift(options, scale);
  BsrganOptions shuffled;
  shuffled.noise_sigma = {0, 0};
  shuffled.jpeg_quality = {100, 100};
  for (const int scale : {2, 3, 4}) check_no_shift(shuffled, scale);
}

TEST_CASE("degrade: BSRGAN's noise of three kinds") {
  BsrganOptions options;
  options.jpeg_quality = {100, 100};
  options.noise_sigma = {20, 20};
  const auto apart = [](const Image& image) {
    std::vector<cv::Mat> planes;
    cv::split(image.pixels, planes);
    return cv::norm(planes[0], planes[2], cv::NORM_INF) > 4;
  };
  // At scale 1 nothing else tells the channels of a gray picture apart.
  options.noise_weights = {0.4, 0.4, 0.2};
  check_share(flat(48, 128), options, 0.6, apart);
  options.noise_weights = {0, 1, 0};
  check_share(flat(48, 128), options, 0, apart);
}
