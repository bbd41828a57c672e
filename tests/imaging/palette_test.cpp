// The colours of a picture in six numbers, and as planes behind its own.
#include "ganvas/imaging/palette.hpp"

#include <opencv2/core.hpp>
#include <set>

#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("palette: mean and doubled deviation of each channel, of gray thrice, whatever the depth") {
  // Half of it one colour, half another: both figures are known.
  Image two(40, 20, 3, Depth::u8);
  two.pixels = cv::Scalar(51, 102, 0);
  two.pixels(cv::Rect(0, 0, 20, 20)) = cv::Scalar(153, 102, 255);
  const Palette palette = palette_of(two), wanted{0.4F, 0.4F, 0.5F, 0.4F, 0, 1};
  for (std::size_t i = 0; i < palette.size(); ++i) {
    CAPTURE(i);
    CHECK(palette[i] == doctest::Approx(wanted[i]).epsilon(2e-3));
    CHECK(palette_of(to_depth(two, Depth::u16))[i] == doctest::Approx(palette[i]).epsilon(1e-5));
  }
  const Palette gray = palette_of(noise(30, 30, 1, Depth::u8));
  CHECK(gray[0] == gray[2]);
  CHECK(gray[3] == gray[5]);
}

TEST_CASE("palette: planes behind a picture's own say it, and leave it as it was") {
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
    for (const int channels : {1, 3, 4}) {
      const Image picture = noise(17, 9, channels, depth);
      const Palette palette{0, 0.2F, 0.4F, 0.6F, 0.8F, 1};
      const Image told = with_palette(picture, palette);
      REQUIRE(told.channels() == channels + 6);
      CHECK(told.depth() == depth);
      CHECK(same(without_palette(told, channels), picture));
      std::vector<cv::Mat> planes;
      cv::split(told.pixels, planes);
      for (int i = 0; i < 6; ++i) {
        double low = 0, high = 0;
        cv::minMaxLoc(planes[static_cast<std::size_t>(channels + i)], &low, &high);
        CHECK(low == high);
        CHECK(low / max_value(depth) == doctest::Approx(palette[static_cast<std::size_t>(i)]).epsilon(1e-3));
      }
    }
}

TEST_CASE("palette: a few stand for many, each near those that it stands for, and always the same") {
  std::vector<Palette> all;
  cv::RNG random(4);
  for (int i = 0; i < 60; ++i) {
    Palette palette{};
    // Three clouds.
    for (auto& value : palette)
      value = 0.2F + 0.3F * static_cast<float>(i % 3) + 0.02F * static_cast<float>(random.uniform(-1.0, 1.0));
    all.push_back(palette);
  }
  const auto typical = typical_palettes(all, 3);
  CHECK(typical == typical_palettes(all, 3));
  std::set<int> clouds;
  for (const Palette& palette : typical) {
    const int cloud = static_cast<int>(std::lround((palette[0] - 0.2F) / 0.3F));
    clouds.insert(cloud);
    for (const float value : palette) CHECK(value == doctest::Approx(0.2 + 0.3 * cloud).epsilon(0.05));
  }
  CHECK(clouds.size() == 3);
  // Fewer than wanted come again in turn.
  const auto again = typical_palettes({all[0], all[1]}, 5);
  REQUIRE(again.size() == 5);
  CHECK(again[4] == all[0]);
}
