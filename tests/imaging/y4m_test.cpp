// Uncompressed video: the header, and colours that come back by the standard's own inverse.
#include "ganvas/imaging/y4m.hpp"

#include <cmath>
#include <string>

#include "ganvas/core/error.hpp"
#include "pictures.hpp"
#include "support/refusal.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// ITU-R BT.601 the other way, studio range.
std::array<double, 3> rgb_of(double y, double cb, double cr) {
  const double luma = 255.0 / 219 * (y - 16), blue = 255.0 / 224 * (cb - 128), red = 255.0 / 224 * (cr - 128);
  return {luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue};
}

Y4mStream stream_of(const std::string& header) {
  const std::string line = header + "\n";
  const auto stream = read_y4m_header({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
  REQUIRE(stream);
  CHECK(stream->header_size == line.size());
  return *stream;
}

/// A picture of these samples, one after the other; of two bytes where a sample has more than 8 bits.
Image picture_of(const Y4mStream& stream, const std::vector<int>& samples) {
  Bytes bytes;
  for (const int sample : samples) {
    bytes.push_back(static_cast<std::uint8_t>(sample & 255));
    if (stream.bits > 8) bytes.push_back(static_cast<std::uint8_t>(sample >> 8));
  }
  CHECK(bytes.size() == stream.frame_size());
  return y4m_picture(stream, bytes);
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

TEST_CASE("y4m: what we write comes back, within what 8 bits of YCbCr round") {
  for (const int channels : {1, 3}) {
    const Image image = noise(37, 23, channels, Depth::u8);
    const std::string header = y4m_header(37, 23, channels, "30000:1001", "40:33");
    Bytes film(header.begin(), header.end());
    const auto stream = read_y4m_header(film);
    REQUIRE(stream);
    CHECK(stream->rate == "30000:1001");
    CHECK(stream->aspect == "40:33");
    const Bytes frame = y4m_frame(image);
    const auto place = y4m_frame_place(*stream, frame);
    REQUIRE(place);
    CHECK(place->second == frame.size());
    const Image back = y4m_picture(*stream, std::span(frame).subspan(place->first));
    REQUIRE(back.channels() == channels);
    CHECK(largest_difference(back, image) <= (channels == 1 ? 1 : 3));
  }
}

TEST_CASE("y4m: samples of other streams: subsampled, of more bits, of the full range") {
  // White, black and BT.601's red (75 % of none: the primaries at full level) in the studio's range and in the full
  // one.
  const Image white = picture_of(stream_of("YUV4MPEG2 W2 H2 C420mpeg2"), {235, 235, 235, 235, 128, 128});
  CHECK(white.pixels.at<cv::Vec3b>(1, 1) == cv::Vec3b(255, 255, 255));
  const Image black = picture_of(stream_of("YUV4MPEG2 W2 H2 C420p10"), {64, 64, 64, 64, 512, 512});
  CHECK(black.depth() == Depth::u16);
  CHECK(black.pixels.at<cv::Vec3w>(0, 0) == cv::Vec3w(0, 0, 0));
  const Image red = picture_of(stream_of("YUV4MPEG2 W1 H1 C444"), {81, 90, 240});
  CHECK(std::abs(red.pixels.at<cv::Vec3b>(0, 0)[0] - 254) <= 2);
  CHECK(std::abs(red.pixels.at<cv::Vec3b>(0, 0)[1]) <= 2);
  const Image full = picture_of(stream_of("YUV4MPEG2 W3 H1 Cmono XCOLORRANGE=FULL"), {0, 100, 255});
  CHECK(full.channels() == 1);
  CHECK(full.pixels.at<std::uint8_t>(0, 1) == 100);
  const Image deep = picture_of(stream_of("YUV4MPEG2 W2 H1 Cmono16 XCOLORRANGE=FULL"), {0, 65535});
  CHECK(deep.pixels.at<std::uint16_t>(0, 1) == 65535);
  // A ramp of colour differences stays one: in the middle of two samples is their mean, on the left one itself.
  for (const bool left : {false, true}) {
    const Y4mStream stream = stream_of(left ? "YUV4MPEG2 W4 H1 C422" : "YUV4MPEG2 W4 H1 C420jpeg");
    const Image ramp = picture_of(stream, {126, 126, 126, 126, 128, 128, 128, 168});
    const auto red_at = [&](int x) { return ramp.pixels.at<cv::Vec3b>(0, x)[0]; };
    const double first = 255.0 / 219 * 110, step = 1.402 * 255 / 224 * 40;
    const std::array<double, 4> share = left ? std::array{0.0, 0.5, 1.0, 1.0} : std::array{0.0, 0.25, 0.75, 1.0};
    for (int x = 0; x < 4; ++x) CHECK(std::abs(red_at(x) - (first + share[static_cast<std::size_t>(x)] * step)) <= 1.5);
  }
  // Odd sides: the last sample covers one pixel.
  CHECK(stream_of("YUV4MPEG2 W5 H3 C420").frame_size() == 15 + 2 * 3 * 2);
  CHECK(stream_of("YUV4MPEG2 W5 H3 C411").frame_size() == 15 + 2 * 2 * 3);
  CHECK(stream_of("YUV4MPEG2 W5 H3 C444p12").frame_size() == 2 * 45);
}

TEST_CASE("y4m: what is no film, or another kind, is one line") {
  const auto why = [](const std::string& line) {
    return refusal(ErrorKind::file, [&] {
      read_y4m_header({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
    });
  };
  CHECK(why("YUV4MPEG2 W5\n").find("no size") != std::string::npos);
  CHECK(why("YUV4MPEG2 W0 H5\n").find("a size that is none") != std::string::npos);
  CHECK(why("YUV4MPEG2 W99999999999 H5\n").find("a size that is none") != std::string::npos);
  CHECK(why("YUV4MPEG2 W4 H4 It\n").find("yadif") != std::string::npos);
  for (const char* kind : {"444alpha", "420p8", "420p17", "xyz", "422jpeg", ""})
    CHECK(why("YUV4MPEG2 W4 H4 C" + std::string(kind) + "\n").find("aren't known") != std::string::npos);
  CHECK(why(std::string("YUV4MPEG2 ") + std::string(9000, 'X')).find("without an end") != std::string::npos);
  const std::string part = "YUV4MPEG2 W4 H";
  CHECK_FALSE(read_y4m_header({reinterpret_cast<const std::uint8_t*>(part.data()), part.size()}));
  const Y4mStream stream = stream_of("YUV4MPEG2 W4 H4 Cmono F0:0 A0:0");
  CHECK(stream.rate == "25");
  CHECK(stream.aspect == "1:1");
  const Bytes begun{'F', 'R', 'A'}, wrong{'F', 'R', 'X'};
  CHECK_FALSE(y4m_frame_place(stream, begun));
  CHECK(refusal(ErrorKind::file, [&] { y4m_frame_place(stream, wrong); }).find("no frame") != std::string::npos);
  CHECK_FALSE(y4m_frame_place(stream, Bytes{'F', 'R', 'A', 'M', 'E', ' ', 'I', 'p', '\n', 1, 2}));
}
