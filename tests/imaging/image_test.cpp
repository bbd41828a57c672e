#include <cmath>

#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("depth conversions round to nearest and come back") {
  Image all(65536, 1, 1, Depth::u16);
  for (int i = 0; i < 65536; ++i) all.pixels.at<std::uint16_t>(0, i) = static_cast<std::uint16_t>(i);
  const Image narrow = to_depth(all, Depth::u8), floats = to_depth(all, Depth::f32);
  for (int i = 0; i < 65536; ++i) {
    REQUIRE(narrow.pixels.at<std::uint8_t>(0, i) == std::lround(i / 257.0));
    REQUIRE(floats.pixels.at<float>(0, i) == doctest::Approx(i / 65535.0));
  }
  CHECK(same(to_depth(floats, Depth::u16), all));
  const Image bytes = noise(31, 7, 3, Depth::u8);
  CHECK(same(to_depth(to_depth(bytes, Depth::u16), Depth::u8), bytes));
  CHECK(same(to_depth(to_depth(bytes, Depth::f32), Depth::u8), bytes));
}

TEST_CASE("float samples beyond their range saturate") {
  Image image(4, 1, 1, Depth::f32);
  const float values[] = {-0.5f, 0.499f / 255, 1.0f, 7.0f};
  std::copy(std::begin(values), std::end(values), image.pixels.ptr<float>());
  const Image bytes = to_depth(image, Depth::u8);
  const int expected[] = {0, 0, 255, 255};
  for (int i = 0; i < 4; ++i) CHECK(bytes.pixels.at<std::uint8_t>(0, i) == expected[i]);
}

TEST_CASE("colour and alpha part and join again") {
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
    for (const int channels : {2, 4}) {
      const Image image = noise(9, 5, channels, depth);
      const Image colour = colour_part(image), alpha = alpha_part(image);
      CHECK(colour.channels() == channels - 1);
      CHECK(alpha.channels() == 1);
      CHECK(same(with_alpha(colour, alpha), image));
    }
  CHECK(alpha_part(noise(2, 2, 3, Depth::u8)).empty());
  CHECK_THROWS_AS(with_alpha(noise(2, 2, 3, Depth::u8), noise(3, 2, 1, Depth::u8)), Error);
}

TEST_CASE("gray and RGB") {
  const Image gray = noise(5, 4, 1, Depth::u16);
  CHECK(to_rgb(gray).channels() == 3);
  CHECK(largest_difference(to_gray(to_rgb(gray)), gray) <= 1);
  Image red(1, 1, 3, Depth::u8);
  red.pixels.setTo(cv::Scalar(255, 0, 0));
  CHECK(to_gray(red).pixels.at<std::uint8_t>(0) == 76);  // 0.299 * 255: the first channel is red
}

TEST_CASE("a matrix that is no picture is refused") {
  CHECK_THROWS_AS(Image(cv::Mat(2, 2, CV_64F)), Error);
  CHECK_THROWS_AS(Image(cv::Mat(2, 2, CV_8UC(65))), Error);
  CHECK(Image(cv::Mat()).empty());
}
