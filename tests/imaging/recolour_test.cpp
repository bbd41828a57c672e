// Colours of one picture with the structure of another, and detail that a small copy had lost.
#include "ganvas/imaging/recolour.hpp"

#include <opencv2/core.hpp>

#include "ganvas/imaging/detail.hpp"
#include "ganvas/imaging/resize.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// Noise whose channels hang together, in floats.
Image tinted(int width, int height, const cv::Matx33f& mix, const cv::Vec3f& base, int seed) {
  Image image = noise(width, height, 3, Depth::f32, seed);
  cv::transform(image.pixels, image.pixels, mix);
  image.pixels += cv::Scalar(base[0], base[1], base[2]);
  return image;
}

}  // namespace

TEST_CASE("recolour: a picture gets the other's means, deviations and correlations, whatever the sizes") {
  const Image content = tinted(50, 40, {0.4F, 0.2F, 0, 0.1F, 0.3F, 0.1F, 0, 0, 0.2F}, {0.1F, 0.2F, 0.3F}, 1);
  const Image style = tinted(31, 77, {0.1F, 0, 0.3F, 0.2F, 0.2F, 0, 0.5F, 0.1F, 0.1F}, {0.3F, 0, 0.2F}, 2);
  const ColourStatistics wanted = colours_of(content), got = colours_of(with_colours(style, wanted));
  for (int c = 0; c < 3; ++c) {
    CHECK(got.mean[c] == doctest::Approx(wanted.mean[c]).epsilon(1e-4));
    CHECK(got.deviation[c] == doctest::Approx(wanted.deviation[c]).epsilon(0.02));
    for (int d = 0; d < 3; ++d) CHECK(std::abs(got.correlation(c, d) - wanted.correlation(c, d)) < 0.02);
  }
  // Its own colours leave a picture as it is.
  const Image same = with_colours(content, wanted);
  CHECK(cv::norm(same.pixels, content.pixels, cv::NORM_INF) < 1e-5);
}

TEST_CASE("recolour: one colour becomes the other's mean, and transparent pixels don't count") {
  Image flat(8, 8, 3, Depth::f32);
  flat.pixels.setTo(cv::Scalar::all(0.25));
  const Image content = noise(20, 20, 3, Depth::u8);
  const ColourStatistics wanted = colours_of(content);
  const Image result = with_colours(flat, wanted);
  for (int c = 0; c < 3; ++c)
    CHECK(static_cast<double>(result.pixels.at<cv::Vec3f>(3, 3)[c]) == doctest::Approx(wanted.mean[c]).epsilon(1e-4));
  Image alpha(20, 20, 1, Depth::u8);
  alpha.pixels.setTo(cv::Scalar(0));
  alpha.pixels.rowRange(0, 10).setTo(cv::Scalar(255));
  const ColourStatistics half = colours_of(with_alpha(content, alpha));
  const ColourStatistics cut = colours_of(Image(content.pixels.rowRange(0, 10)));
  CHECK(half.pixels == doctest::Approx(200));
  for (int c = 0; c < 3; ++c) CHECK(half.deviation[c] == doctest::Approx(cut.deviation[c]));
}

TEST_CASE("recolour: kept chroma is the content's, luma the result's") {
  const Image content = noise(9, 7, 3, Depth::f32, 3), made = noise(9, 7, 3, Depth::f32, 4);
  cv::Mat result = made.pixels.clone();
  keep_chroma(result, content.pixels);
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 9; ++x) {
      const auto got = result.at<cv::Vec3f>(y, x), from = content.pixels.at<cv::Vec3f>(y, x);
      const auto wanted = made.pixels.at<cv::Vec3f>(y, x);
      const auto luma = [](const cv::Vec3f& c) { return 0.299 * c[0] + 0.587 * c[1] + 0.114 * c[2]; };
      CHECK(luma(got) == doctest::Approx(luma(wanted)).epsilon(1e-4));
      CHECK(got[2] - luma(got) == doctest::Approx(from[2] - luma(from)).epsilon(1e-4));
      CHECK(got[0] - luma(got) == doctest::Approx(from[0] - luma(from)).epsilon(1e-4));
    }
}

TEST_CASE("detail: where nothing was changed the picture comes back sharper than any enlargement") {
  const Image picture = to_depth(gradient(96, 64, 3, Depth::u8), Depth::f32);
  Image full = picture.clone();
  cv::RNG random(5);
  cv::Mat grain(64, 96, CV_32FC1), grey;
  random.fill(grain, cv::RNG::UNIFORM, -0.1, 0.1);
  cv::merge(std::vector<cv::Mat>{grain, grain, grain}, grey);
  full.pixels += grey;
  const Image small = resize(full, 24, 16, Interpolation::area);
  const cv::Mat back = DetailEnlarger(small.pixels, small.pixels, {96, 64}).rows(0, full.pixels);
  const cv::Mat enlarged = resize(small, 96, 64).pixels;
  CHECK(cv::norm(back, full.pixels, cv::NORM_L2) < 0.5 * cv::norm(enlarged, full.pixels, cv::NORM_L2));
  // In parts as in one.
  const DetailEnlarger enlarger(small.pixels, small.pixels, {96, 64});
  const cv::Mat part = enlarger.rows(20, full.pixels.rowRange(20, 31));
  CHECK(cv::norm(part, back.rowRange(20, 31), cv::NORM_INF) == 0);
}

TEST_CASE("detail: a flat result stays flat") {
  const Image full = noise(80, 60, 3, Depth::f32), small = resize(full, 20, 15, Interpolation::area);
  const cv::Mat flat(15, 20, CV_32FC3, cv::Scalar(0.3, 0.4, 0.5));
  const cv::Mat back = DetailEnlarger(small.pixels, flat, {80, 60}).rows(0, full.pixels);
  CHECK(cv::norm(back, cv::Mat(60, 80, CV_32FC3, cv::Scalar(0.3, 0.4, 0.5)), cv::NORM_INF) < 1e-4);
}
