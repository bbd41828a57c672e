#include "ganvas/imaging/side_by_side.hpp"

#include "ganvas/imaging/alpha.hpp"
#include "imaging/pictures.hpp"
#include "support/refusal.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("side by side: left stays left, and the richer colours and the smaller depth win") {
  const auto halves = [](const Image& both) {
    const int middle = both.width() / 2;
    return std::pair(Image(both.pixels.colRange(0, middle)), Image(both.pixels.colRange(middle, both.width())));
  };
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32}) {
    const Image a = noise(13, 7, 3, depth, 1), b = noise(13, 7, 3, depth, 2);
    const auto [left, right] = halves(side_by_side(a, b));
    CHECK(same(left, a));
    CHECK(same(right, b));
  }
  const Image gray = noise(13, 7, 1, Depth::u16), colour = noise(13, 7, 3, Depth::u8);
  const auto [left, right] = halves(side_by_side(gray, colour));
  CHECK(same(left, to_rgb(to_depth(gray, Depth::u8))));
  CHECK(same(right, colour));
  CHECK(side_by_side(gray, gray).channels() == 1);
  CHECK(side_by_side(gray, gray).depth() == Depth::u16);
}

TEST_CASE("side by side: alpha goes over white, sizes that differ are named") {
  Image ink(5, 4, 2, Depth::u8);  // black, left column opaque: a drawing on nothing
  ink.pixels.setTo(cv::Scalar(0, 0));
  ink.pixels.col(0).setTo(cv::Scalar(0, 255));
  const Image flat = over_white(ink);
  CHECK(flat.channels() == 1);
  CHECK(cv::countNonZero(flat.pixels.col(0)) == 0);
  CHECK(cv::countNonZero(flat.pixels.colRange(1, 5) == 255) == 16);
  CHECK(same(side_by_side(ink, ink), side_by_side(flat, flat)));

  const Image opaque = noise(5, 4, 3, Depth::u16);
  CHECK(same(over_white(opaque), opaque));
  CHECK(says(refusal(ErrorKind::data, [&] { side_by_side(ink, noise(4, 4, 1, Depth::u8)); }), {"5x4", "4x4"}));
}
