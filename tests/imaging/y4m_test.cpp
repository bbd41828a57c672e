// Uncompressed video: the header, and colours that come back by the standard's own inverse.
#include "ganvas/imaging/y4m.hpp"

#include <cmath>
#include <string>

#include "support/support.hpp"

using namespace ganvas;

namespace {

/// ITU-R BT.601 the other way, studio range.
std::array<double, 3> rgb_of(double y, double cb, double cr) {
  const double luma = 255.0 / 219 * (y - 16), blue = 255.0 / 224 * (cb - 128), red = 255.0 / 224 * (cr - 128);
  return {luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue};
}

}  // namespace

TEST_CASE("y4m: header, planes and colours") {
  CHECK(y4m_header(6, 4, 3, "25") == "YUV4MPEG2 W6 H4 F25:1 Ip A1:1 C444 XCOLORRANGE=LIMITED\n");
  CHECK(y4m_header(6, 4, 1, "30000:1001") == "YUV4MPEG2 W6 H4 F30000:1001 Ip A1:1 Cmono XCOLORRANGE=LIMITED\n");
  Image image(6, 4, 3, Depth::u8);
  for (int i = 0; i < 6 * 4 * 3; ++i) image.pixels.data[i] = static_cast<std::uint8_t>(i * 37 % 256);
  const Bytes frame = y4m_frame(image);
  REQUIRE(frame.size() == 6 + 3 * 24);
  CHECK(std::string(frame.begin(), frame.begin() + 6) == "FRAME\n");
  for (std::size_t i = 0; i < 24; ++i) {
    const auto rgb = rgb_of(frame[6 + i], frame[6 + 24 + i], frame[6 + 48 + i]);
    for (std::size_t c = 0; c < 3; ++c) CHECK(std::abs(rgb[c] - image.pixels.data[3 * i + c]) < 2.5);
  }
  Image gray(6, 4, 1, Depth::u8);
  gray.pixels.setTo(cv::Scalar::all(255));
  CHECK(y4m_frame(gray).size() == 6 + 24);
  CHECK(y4m_frame(gray).back() == 235);
  CHECK(raw_frame(image) == Bytes(image.pixels.data, image.pixels.data + 72));
  // Transparent pixels are white.
  Image clear(6, 4, 4, Depth::u8);
  clear.pixels.setTo(cv::Scalar::all(0));
  CHECK(raw_frame(clear) == Bytes(72, 255));
}
