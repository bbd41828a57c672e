#include "ganvas/imaging/condition.hpp"

#include <opencv2/imgproc.hpp>

#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// A photograph that was shrunk, stored without loss.
Image photograph() { return read_image(std::string(GANVAS_SOURCE_DIR) + "/data/samples/cat.png").image; }

DecodedImage as_jpeg(const Image& image, int quality) {
  return decode_image(encode_image(image, Format::jpeg, {}, {.quality = quality}), "it.jpg");
}

Image without_edges(const Image& image, int left, int top) {
  return Image(image.pixels(cv::Rect(left, top, image.width() - left, image.height() - top)).clone());
}

Image with_noise(const Image& image, double sigma) {
  cv::Mat samples(image.pixels.size(), CV_32FC3);
  cv::RNG(7).fill(samples, cv::RNG::NORMAL, 0, sigma);
  cv::Mat sum;
  image.pixels.convertTo(sum, CV_32FC3);
  sum += samples;
  sum.convertTo(sum, CV_8UC3);
  return Image(sum);
}

}  // namespace

TEST_CASE("condition: a JPEG's tables tell the quality that it was written with") {
  for (const int quality : {25, 50, 75, 90, 95, 100})
    CHECK(as_jpeg(photograph(), quality).jpeg_quality == doctest::Approx(quality).epsilon(0.02));
  CHECK(as_jpeg(photograph(), 1).jpeg_quality < 15);  // libjpeg's steps end at 255
  CHECK(as_jpeg(to_gray(photograph()), 80).jpeg_quality == doctest::Approx(80).epsilon(0.02));
  CHECK(decode_image(encode_image(photograph(), Format::png, {}), "it.png").jpeg_quality == 0);
}

TEST_CASE("condition: pixels tell the quality of the JPEG that they once were, wherever its blocks begin") {
  for (const int quality : {40, 60, 75, 88, 92}) {
    const Image pixels = as_jpeg(photograph(), quality).image;
    CHECK(condition_of(pixels, 0).jpeg_quality == quality);
    CHECK(condition_of(without_edges(pixels, 3, 5), 0).jpeg_quality == quality);
    CHECK(condition_of(to_gray(pixels), 0).jpeg_quality == quality);
    CHECK(condition_of(to_depth(pixels, Depth::u16), 0).jpeg_quality == quality);
  }
}

TEST_CASE("condition: a clean picture never was a JPEG, has no blocks and hardly any noise") {
  const PictureCondition clean = condition_of(photograph(), 0);
  CHECK(clean.jpeg_quality == 0);
  CHECK(clean.blockiness < 0.05);
  CHECK(clean.noise < 1);
  CHECK(degradation_of(clean).empty());
  Image smaller;
  cv::resize(as_jpeg(photograph(), 50).image.pixels, smaller.pixels, {}, 0.4, 0.4, cv::INTER_AREA);
  CHECK(condition_of(smaller, 0).jpeg_quality == 0);
}

TEST_CASE("condition: blocks show, stripes don't") {
  const double strong = condition_of(as_jpeg(photograph(), 20).image, 0).blockiness;
  const double weak = condition_of(as_jpeg(photograph(), 80).image, 0).blockiness;
  CHECK(strong > 0.3);
  CHECK(weak < strong / 2);
  Image stripes(128, 128, 3, Depth::u8);
  for (int x = 0; x < 128; ++x) stripes.pixels.col(x) = cv::Scalar::all(x % 8 == 0 ? 200 : 90);
  CHECK(condition_of(stripes, 0).blockiness < 0.01);
}

TEST_CASE("condition: noise is measured in the calm parts") {
  const Image calm = gradient(160, 128, 3, Depth::u8);
  CHECK(condition_of(calm, 0).noise < 0.6);
  // Luma is the weighted mean of three independent noises.
  const double in_luma = std::sqrt(0.299 * 0.299 + 0.587 * 0.587 + 0.114 * 0.114);
  for (const double sigma : {4.0, 10.0})
    CHECK(condition_of(with_noise(calm, sigma), 0).noise == doctest::Approx(in_luma * sigma).epsilon(0.2));
  CHECK(condition_of(with_noise(photograph(), 15), 0).noise > 5);
}

TEST_CASE("condition: what is wrong is said, the worst first") {
  CHECK(degradation_of({.jpeg_quality = 60, .noise = 20}) == "JPEG quality 60");
  CHECK(degradation_of({.jpeg_quality = 96}).empty());
  CHECK(degradation_of({.blockiness = 1.5}) == "blocks of 1.50");
  CHECK(degradation_of({.noise = 12}) == "noise of 12.0");
}

TEST_CASE("condition: pictures of any size and kind") {
  for (const int side : {1, 2, 7, 8, 9, 31, 32})
    for (const int channels : {1, 2, 3, 4, 6})
      CHECK(condition_of(noise(side, 40 - side, channels, Depth::u16), 0).jpeg_quality == 0);
  CHECK(condition_of(noise(3000, 40, 3, Depth::f32), 0).jpeg_quality == 0);
  CHECK(condition_of({}, 50).jpeg_quality == 0);
}
