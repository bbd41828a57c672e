#include "ganvas/imaging/labels.hpp"

#include <numeric>
#include <set>

#include "imaging/pictures.hpp"
#include "support/refusal.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// All numbers from 0 up, a row of `width` each.
Image counting(int width, int height, Depth depth) {
  Image image(width, height, 1, depth);
  for (int i = 0; i < width * height; ++i) {
    if (depth == Depth::u8) image.pixels.at<std::uint8_t>(i / width, i % width) = static_cast<std::uint8_t>(i);
    else image.pixels.at<std::uint16_t>(i / width, i % width) = static_cast<std::uint16_t>(i);
  }
  return image;
}

}  // namespace

TEST_CASE("labels: the colours that PASCAL VOC's set publishes, and each its own") {
  // Background, aeroplane, bicycle, bird, boat, ..., tv/monitor and the border of objects.
  CHECK(voc_colour(0) == LabelColour{0, 0, 0});
  CHECK(voc_colour(1) == LabelColour{128, 0, 0});
  CHECK(voc_colour(2) == LabelColour{0, 128, 0});
  CHECK(voc_colour(3) == LabelColour{128, 128, 0});
  CHECK(voc_colour(4) == LabelColour{0, 0, 128});
  CHECK(voc_colour(8) == LabelColour{64, 0, 0});
  CHECK(voc_colour(15) == LabelColour{192, 128, 128});  // person
  CHECK(voc_colour(20) == LabelColour{0, 64, 128});
  CHECK(voc_colour(255) == LabelColour{224, 224, 192});
  std::set<LabelColour> colours;
  for (int i = 0; i < 65536; ++i) colours.insert(voc_colour(i));
  CHECK(colours.size() == 65536);
  int least = 255;
  for (int i = 0; i < 256; ++i)
    for (int j = 0; j < i; ++j) {
      int largest = 0;
      for (int c = 0; c < 3; ++c) largest = std::max(largest, std::abs(voc_colour(i)[c] - voc_colour(j)[c]));
      least = std::min(least, largest);
    }
  CHECK(least == 32);
}

TEST_CASE("labels: there and back, 8 and 16 bits, with and without a table of one's own") {
  const Image narrow = counting(16, 16, Depth::u8), wide = counting(40, 25, Depth::u16);
  CHECK(same(label_colours(colour_labels(narrow, LabelTable::voc(256)), LabelTable::voc(256), 0), narrow));
  CHECK(same(label_colours(colour_labels(wide, LabelTable::voc(1000)), LabelTable::voc(1000), 0), wide));
  const LabelTable own = LabelTable::parse("0 1 2 3\n1 #ff8000\n300 250 0 9\n", "own");
  Image numbers(3, 1, 1, Depth::u16);
  numbers.pixels.at<std::uint16_t>(0, 0) = 300;
  numbers.pixels.at<std::uint16_t>(0, 1) = 0;
  numbers.pixels.at<std::uint16_t>(0, 2) = 1;
  const Image map = colour_labels(numbers, own);
  CHECK(map.pixels.at<cv::Vec3b>(0, 0) == cv::Vec3b(250, 0, 9));
  CHECK(map.pixels.at<cv::Vec3b>(0, 2) == cv::Vec3b(255, 128, 0));
  CHECK(same(label_colours(map, own, 0), numbers));
  CHECK(says(refusal(ErrorKind::data, [&] { colour_labels(counting(4, 2, Depth::u8), own); }), {"class 2 at 2,0"}));
  CHECK(refusal(ErrorKind::data, [&] { colour_labels(map, own); }) != "was accepted");
}

TEST_CASE("labels: the nearest colour within the tolerance, strangers with number and place") {
  const LabelTable table = LabelTable::parse("5 100 100 100\n9 200 100 100", "t");
  Image map(4, 2, 3, Depth::u8);
  map.pixels.setTo(cv::Scalar(100, 100, 100));
  map.pixels.at<cv::Vec3b>(0, 1) = {197, 104, 100};  // 5 away from class 9
  map.pixels.at<cv::Vec3b>(1, 3) = {149, 100, 100};  // nearer to class 5
  const Image numbers = label_colours(map, table, 49);
  CHECK(numbers.depth() == Depth::u8);
  CHECK(numbers.pixels.at<uchar>(0, 1) == 9);
  CHECK(numbers.pixels.at<uchar>(1, 3) == 5);
  CHECK(cv::countNonZero(numbers.pixels == 5) == 7);
  CHECK(same(label_colours(to_depth(map, Depth::u16), table, 49), numbers));
  Image middle(1, 1, 3, Depth::u8);
  middle.pixels.setTo(cv::Scalar(150, 100, 100));  // between equals the first entry
  CHECK(label_colours(middle, table, 50).pixels.at<uchar>(0, 0) == 5);
  map.pixels.at<cv::Vec3b>(1, 2) = {149, 100, 100};
  CHECK(says(refusal(ErrorKind::data, [&] { label_colours(map, table, 5); }),
             {"1 colours (2 pixels)", "#956464 at 2,1", "class 5, 49.0 away"}));
  CHECK(says(refusal(ErrorKind::data, [&] { label_colours(map, table, 4.9); }), {"#c56864 at 1,0", "2 colours"}));
}

TEST_CASE("labels: a table's text") {
  const LabelTable table = LabelTable::parse("# mine\r\n\n 7\t#0a0B0c # sky\n  3 255 0 1 #x\n", "t");
  CHECK(table.colour_of(7) == LabelColour{10, 11, 12});
  CHECK(table.colour_of(3) == LabelColour{255, 0, 1});
  CHECK_FALSE(table.colour_of(0));
  CHECK(table.largest_index() == 7);
}

TEST_CASE("labels: wrong tables are refused with their line") {
  for (const char* line : {"1", "1 2 3", "1 2 3 256", "1 2 3 -4", "1 2 3 4 5", "1 #12345", "1 #12345g", "1 #1234567",
                           "x 1 2 3", "65536 1 2 3", "-1 0 0 0", "1 #123456 7", "1 1 1 1.5", "1 # 2 3", "1 #-12345"}) {
    CAPTURE(line);
    CHECK(says(refusal(ErrorKind::file, [&] { LabelTable::parse(std::string("0 0 0 0\n") + line, "a.txt"); }),
               {"a.txt:2: expected"}));
  }
  CHECK(says(refusal(ErrorKind::file, [] { LabelTable::parse("1 0 0 0\n1 2 2 2", "t"); }), {"t:2", "class 1 again"}));
  CHECK(says(refusal(ErrorKind::file, [] { LabelTable::parse("# nothing", "t"); }), {"t: no class"}));
  LabelTable::voc(256).require_distinct();
  CHECK(says(refusal(ErrorKind::data, [] { LabelTable::parse("4 1 1 1\n6 1 1 1", "t").require_distinct(); }),
             {"classes 4 and 6"}));
}
