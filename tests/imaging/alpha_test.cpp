#include "ganvas/imaging/alpha.hpp"
#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("visible pixels keep their colour, hidden ones take their neighbours'") {
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
    for (const int channels : {2, 4}) {
      // A disc of one colour with a soft edge in a sea of hidden black.
      Image image(101, 77, channels, depth);
      image.pixels.setTo(cv::Scalar::all(0));
      const double full = max_value(depth);
      cv::Scalar colour(full * 0.8, full * 0.4, full * 0.2, full);
      if (channels == 2) colour[1] = full;
      cv::Mat disc(image.pixels.size(), CV_8U, cv::Scalar(0));
      for (int y = 0; y < disc.rows; ++y)
        for (int x = 0; x < disc.cols; ++x) disc.at<std::uint8_t>(y, x) = std::hypot(x - 40, y - 30) < 20;
      image.pixels.setTo(colour, disc);
      const Image bled = bleed_colour(image);
      CHECK(bled.channels() == channels - 1);
      CHECK(bled.depth() == depth);
      Image flat(image.width(), image.height(), channels - 1, depth);
      flat.pixels.setTo(colour);
      CHECK(largest_difference(bled, flat) <= (depth == Depth::f32 ? 1e-5 : 1));
    }
}

TEST_CASE("pixels that are only partly hidden are not touched") {
  const Image image = noise(64, 47, 4, Depth::u8);
  const Image bled = bleed_colour(image), colour = colour_part(image);
  int filled = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) {
      if (image.pixels.at<cv::Vec4b>(y, x)[3] == 0) ++filled;
      else REQUIRE(bled.pixels.at<cv::Vec3b>(y, x) == colour.pixels.at<cv::Vec3b>(y, x));
    }
  CHECK(filled > 0);
}

TEST_CASE("two colours: each side of the hidden gap leans to its own neighbour") {
  Image image(90, 8, 2, Depth::u8);
  image.pixels.setTo(cv::Scalar(0, 0));
  image.pixels.colRange(0, 20).setTo(cv::Scalar(40, 255));
  image.pixels.colRange(70, 90).setTo(cv::Scalar(200, 255));
  const Image bled = bleed_colour(image);
  CHECK(bled.pixels.at<std::uint8_t>(4, 21) < 70);
  CHECK(bled.pixels.at<std::uint8_t>(4, 68) > 170);
  double low, high;
  cv::minMaxLoc(bled.pixels, &low, &high);
  CHECK(low >= 40);
  CHECK(high <= 200);
}

TEST_CASE("constant alpha is found, and nothing is filled then") {
  Image image = noise(9, 6, 4, Depth::u16);
  CHECK_FALSE(constant_alpha(image));
  CHECK_FALSE(constant_alpha(noise(9, 6, 3, Depth::u16)));
  const Image colour = colour_part(image);
  for (const int value : {0, 1000, 65535}) {
    Image alpha(9, 6, 1, Depth::u16);
    alpha.pixels.setTo(value);
    image = with_alpha(colour, alpha);
    CHECK(constant_alpha(image) == value);
    CHECK(same(bleed_colour(image), colour));
  }
  CHECK(same(bleed_colour(colour), colour));
}
