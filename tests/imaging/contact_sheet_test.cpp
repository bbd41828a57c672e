#include "ganvas/imaging/contact_sheet.hpp"

#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("contact sheet: row by row, white where there is no picture") {
  const Image a = noise(5, 4, 3, Depth::u16, 1), b = noise(5, 4, 3, Depth::u16, 2), c = noise(5, 4, 3, Depth::u16, 3);
  const Image sheet = contact_sheet({{}, a, b, c}, 3);
  REQUIRE(sheet.width() == 15);
  REQUIRE(sheet.height() == 8);
  REQUIRE(sheet.depth() == Depth::u16);
  const auto cell = [&](int column, int row) {
    return Image(sheet.pixels(cv::Rect(5 * column, 4 * row, 5, 4)).clone());
  };
  CHECK(same(cell(1, 0), a));
  CHECK(same(cell(2, 0), b));
  CHECK(same(cell(0, 1), c));
  for (const auto& [column, row] : {std::pair{0, 0}, {1, 1}, {2, 1}})
    CHECK(cv::norm(cell(column, row).pixels, cv::Mat(4, 5, CV_16UC3, cv::Scalar::all(65535)), cv::NORM_INF) == 0);
}
