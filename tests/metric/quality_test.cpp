#include "ganvas/metric/quality.hpp"

#include <cmath>

#include "ganvas/imaging/resize.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// Luma by the formula, in double; a gray picture is compared as it is.
double luma(const Image& image, int x, int y) {
  const int channels = image.channels();
  const std::uint8_t* p = image.pixels.ptr<std::uint8_t>(y) + x * channels;
  return channels == 1 ? p[0] : (65.481 * p[0] + 128.553 * p[1] + 24.966 * p[2]) / 255 + 16;
}

double slow_psnr(const Image& a, const Image& b, int border) {
  double sum = 0;
  std::int64_t count = 0;
  for (int y = border; y < a.height() - border; ++y)
    for (int x = border; x < a.width() - border; ++x, ++count) sum += std::pow(luma(a, x, y) - luma(b, x, y), 2);
  return 10 * std::log10(255 * 255 / (sum / static_cast<double>(count)));
}

/// Structural similarity by its definition: every 11x11 window, weighted sums, no separation, no running sums.
double slow_ssim(const Image& a, const Image& b, int border) {
  double weights[11][11], total = 0;
  for (int i = 0; i < 11; ++i)
    for (int j = 0; j < 11; ++j)
      total += weights[i][j] = std::exp(-((i - 5) * (i - 5) + (j - 5) * (j - 5)) / (2 * 1.5 * 1.5));
  const double c1 = std::pow(0.01 * 255, 2), c2 = std::pow(0.03 * 255, 2);
  double sum = 0;
  int count = 0;
  for (int y = border; y + 11 <= a.height() - border; ++y)
    for (int x = border; x + 11 <= a.width() - border; ++x, ++count) {
      double ma = 0, mb = 0, va = 0, vb = 0, cov = 0;
      for (int i = 0; i < 11; ++i)
        for (int j = 0; j < 11; ++j) {
          ma += weights[i][j] / total * luma(a, x + j, y + i);
          mb += weights[i][j] / total * luma(b, x + j, y + i);
        }
      for (int i = 0; i < 11; ++i)
        for (int j = 0; j < 11; ++j) {
          const double da = luma(a, x + j, y + i) - ma, db = luma(b, x + j, y + i) - mb, w = weights[i][j] / total;
          va += w * da * da;
          vb += w * db * db;
          cov += w * da * db;
        }
      sum += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    }
  return sum / count;
}

}  // namespace

TEST_CASE("quality equals a slow twin") {
  for (const auto& [channels, border] : {std::pair{3, 0}, {3, 4}, {1, 2}}) {
    const Image a = gradient(41, 33, channels, Depth::u8);
    Image b = a.clone();
    const Image grain = noise(41, 33, channels, Depth::u8, 5);
    cv::addWeighted(a.pixels, 0.8, grain.pixels, 0.2, 0, b.pixels);
    const Quality quality = compare_pictures(a, b, border);
    CHECK(quality.psnr_y == doctest::Approx(slow_psnr(a, b, border)).epsilon(1e-6));
    CHECK(quality.ssim_y == doctest::Approx(slow_ssim(a, b, border)).epsilon(1e-6));
    const Quality swapped = compare_pictures(b, a, border);
    CHECK(swapped.psnr_y == quality.psnr_y);
    CHECK(swapped.ssim_y == doctest::Approx(quality.ssim_y).epsilon(1e-12));
  }
}

TEST_CASE("quality: values known by hand") {
  // Every sample off by 10: mean square 100. Luma's span is 219/255 of the samples'.
  Image a(30, 30, 3, Depth::u8), b(30, 30, 3, Depth::u8);
  a.pixels.setTo(cv::Scalar(100, 100, 100));
  b.pixels.setTo(cv::Scalar(110, 110, 110));
  const Quality quality = compare_pictures(a, b, 0);
  CHECK(quality.psnr_rgb == doctest::Approx(20 * std::log10(25.5)).epsilon(1e-9));
  CHECK(quality.psnr_y == doctest::Approx(20 * std::log10(25.5 * 255 / 219)).epsilon(1e-6));
  const Quality equal = compare_pictures(a, a, 3);
  CHECK(std::isinf(equal.psnr_y));
  CHECK(std::isinf(equal.psnr_rgb));
  CHECK(equal.ssim_y == doctest::Approx(1));
  // One bad sample in the border doesn't count.
  Image c = a.clone();
  c.pixels.at<cv::Vec3b>(1, 28) = {0, 0, 0};
  CHECK(std::isinf(compare_pictures(a, c, 2).psnr_rgb));
  CHECK(std::isfinite(compare_pictures(a, c, 1).psnr_rgb));
}

TEST_CASE("quality: depths, channels, alpha, sizes") {
  const Image a = noise(40, 30, 3, Depth::u8, 1), b = noise(40, 30, 3, Depth::u8, 2);
  const Quality quality = compare_pictures(a, b, 1);
  // 16 bit and float hold the same picture; alpha is ignored.
  CHECK(compare_pictures(to_depth(a, Depth::u16), to_depth(b, Depth::f32), 1).psnr_y == quality.psnr_y);
  CHECK(compare_pictures(with_alpha(a, noise(40, 30, 1, Depth::u8)), b, 1).psnr_rgb == quality.psnr_rgb);
  // Gray against the same gray as colour.
  const Image gray = noise(40, 30, 1, Depth::u8);
  CHECK(std::isinf(compare_pictures(gray, to_rgb(gray), 0).psnr_y));
  // Up to 3 pixels of difference are cropped away.
  const Image larger = noise(43, 33, 3, Depth::u8, 3);
  const Image cropped(larger.pixels(cv::Rect(0, 0, 40, 30)).clone());
  CHECK(compare_pictures(a, larger, 2).psnr_y == compare_pictures(a, cropped, 2).psnr_y);
  CHECK(compare_pictures(larger, a, 2).psnr_y == compare_pictures(cropped, a, 2).psnr_y);
  CHECK_THROWS_AS(compare_pictures(a, noise(44, 30, 3, Depth::u8), 0), Error);
  CHECK_NOTHROW(compare_pictures(a, noise(44, 30, 3, Depth::u8), 0, 8));
  CHECK_THROWS_AS(compare_pictures(a, b, 15), Error);
  // Too small for one window: a PSNR, but no structural similarity.
  const Quality tiny = compare_pictures(noise(10, 12, 3, Depth::u8, 1), noise(10, 12, 3, Depth::u8, 2), 0);
  CHECK(std::isfinite(tiny.psnr_y));
  CHECK(std::isnan(tiny.ssim_y));
}

TEST_CASE("quality: bicubic enlargement of Set5 gives the papers' figures") {
  // 28.42 / 0.8104 and 33.66 / 0.9299: the "bicubic" rows of Dong et al. 2014, Kim et al. 2016 and all since.
  for (const auto& [scale, psnr, ssim] : {std::tuple{4, 28.42, 0.8104}, {2, 33.66, 0.9299}}) {
    const std::filesystem::path set = shared_folder() / "data/sr-test/Set5" / fmt::format("x{}", scale);
    SKIP_WITHOUT(set);
    double sum = 0, sum_ssim = 0;
    int count = 0;
    for (const auto& file : list_files(set / "hr", false)) {
      const Image hr = read_image(file).image, lr = read_image(set / "lr" / file.filename()).image;
      // The benchmark's LR files are what our own LR maker gives.
      CHECK(largest_difference(shrink_bicubic(hr, scale), lr) <= 1);
      const Quality quality = compare_pictures(resize(lr, lr.width() * scale, lr.height() * scale), hr, scale);
      sum += quality.psnr_y;
      sum_ssim += quality.ssim_y;
      ++count;
    }
    CHECK(count == 5);
    CHECK(std::abs(sum / count - psnr) < 0.02);
    CHECK(std::abs(sum_ssim / count - ssim) < 0.001);
  }
}
