// DecodeOptions::numbers: pictures whose samples are class numbers.
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

Image numbers_in(const Bytes& bytes) { return decode_image(bytes, "n", {.numbers = true}).image; }

int sum(const Image& image) { return static_cast<int>(cv::sum(image.pixels)[0]); }

}  // namespace

TEST_CASE("numbers: a palette PNG gives its entries' numbers, with transparent entries too") {
  Bytes extra = png_chunk("PLTE", {9, 9, 9, 255, 0, 0, 0, 255, 0, 0, 0, 255});
  put(extra, png_chunk("tRNS", {0, 255}));
  const Bytes eight = make_png(3, 2, 8, 3, {0, 0, 1, 2, 0, 3, 3, 0}, extra);
  CHECK(decode_image(eight, "n").image.channels() == 4);
  const Image image = numbers_in(eight);
  REQUIRE(image.channels() == 1);
  CHECK(image.pixels.at<uchar>(0, 2) == 2);
  CHECK(image.pixels.at<uchar>(1, 0) == 3);
  CHECK(sum(image) == 0 + 1 + 2 + 3 + 3 + 0);
  const Image packed = numbers_in(make_png(3, 2, 2, 3, {0, 0b00011000, 0, 0b11110000}, extra));
  CHECK(same(packed, image));
}

TEST_CASE("numbers: gray of few bits and PNM of any maximum aren't scaled, all else is as ever") {
  const Image packed = numbers_in(make_png(3, 1, 4, 0, {0, 0x1f, 0x30}));
  CHECK(packed.pixels.at<uchar>(0, 1) == 15);
  CHECK(sum(packed) == 1 + 15 + 3);
  CHECK(sum(numbers_in(bytes_of("P2 3 1 20 4 20 0"))) == 24);
  CHECK(sum(numbers_in(bytes_of("P1 3 1 1 0 1"))) == 2);
  const Image wide = numbers_in(bytes_of("P2 2 1 300 300 7"));
  CHECK(wide.depth() == Depth::u16);
  CHECK(sum(wide) == 307);
  for (const Depth depth : {Depth::u8, Depth::u16})
    for (const Format format : {Format::png, Format::pnm, Format::tiff}) {
      const Image picture = noise(7, 5, 1, depth);
      CHECK(same(numbers_in(encode_image(picture, format, {})), picture));
    }
  const Image colour = noise(7, 5, 3, Depth::u8);
  CHECK(same(numbers_in(encode_image(colour, Format::png, {})), colour));
}
