// Files as the field has them: other programs read these, and so do we.
#include <cstdio>

#include <jpeglib.h>

#include <limits>

#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// A JPEG by libjpeg itself: kinds that our own writer doesn't make.
Bytes make_jpeg(const cv::Mat& pixels, J_COLOR_SPACE space, bool adobe, bool progressive) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_width = static_cast<JDIMENSION>(pixels.cols);
  info.image_height = static_cast<JDIMENSION>(pixels.rows);
  info.input_components = pixels.channels();
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  info.write_Adobe_marker = adobe;
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<std::uint8_t*>(pixels.ptr(static_cast<int>(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  Bytes bytes(data, data + size);
  jpeg_destroy_compress(&info);
  std::free(data);
  return bytes;
}

Bytes cut(const Bytes& bytes, std::size_t less) { return Bytes(bytes.begin(), bytes.end() - static_cast<long>(less)); }

/// A float TIFF of one row.
Bytes float_tiff(const std::vector<float>& values) {
  Image image(static_cast<int>(values.size()), 1, 1, Depth::f32);
  std::copy(values.begin(), values.end(), image.pixels.ptr<float>());
  return encode_image(image, Format::tiff, {});
}

}  // namespace

TEST_CASE("JPEG: CMYK is inverted with and without Adobe's mark, as all other programs read it") {
  cv::Mat ink(8, 8, CV_8UC4, cv::Scalar(255, 128, 0, 200));  // 255 = no ink
  for (const bool adobe : {true, false}) {
    const Image image = decode_image(make_jpeg(ink, JCS_CMYK, adobe, false), "x").image;
    REQUIRE(image.channels() == 3);
    const auto& pixel = image.pixels.at<cv::Vec3b>(4, 4);
    CHECK(std::abs(pixel[0] - 200) <= 2);
    CHECK(std::abs(pixel[1] - 100) <= 2);
    CHECK(pixel[2] <= 2);
  }
}

TEST_CASE("JPEG and PNG: a missing end mark costs nothing, a missing row or scan the picture") {
  const Image image = noise(40, 24, 3, Depth::u8);
  for (const bool progressive : {false, true}) {
    const Bytes whole = make_jpeg(image.pixels, JCS_RGB, false, progressive);
    CHECK(same(decode_image(cut(whole, 2), "x").image, decode_image(whole, "x").image));
    CHECK(decode_error(cut(whole, 40)).find("truncated") != std::string::npos);
  }
  // Whole scans are missing: a blurred picture would be all there.
  const Bytes scans = make_jpeg(image.pixels, JCS_RGB, false, /*progressive=*/true);
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i + 1 < scans.size(); ++i)
    if (scans[i] == 0xff && scans[i + 1] == 0xda) starts.push_back(i);
  REQUIRE(starts.size() > 4);
  for (const std::size_t start : {starts[1], starts.back()})
    CHECK_FALSE(decode_error(cut(scans, scans.size() - start)).empty());

  const Bytes png = encode_image(image, Format::png, {});
  CHECK(same(decode_image(cut(png, 12), "x").image, image));
  CHECK(decode_error(cut(png, 60)).find("truncated") != std::string::npos);
}

TEST_CASE("BMP: alpha of zeros alone is none, other alpha is read and written") {
  Image image = noise(9, 5, 4, Depth::u8);
  const Bytes with_alpha = encode_image(image, Format::bmp, {});
  CHECK(same(decode_image(with_alpha, "x").image, image));
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) image.pixels.at<cv::Vec4b>(y, x)[3] = 0;
  const Image opaque = decode_image(encode_image(image, Format::bmp, {}), "x").image;
  CHECK(same(opaque, colour_part(image)));
}

TEST_CASE("TIFF: floats of plainly another range are refused, overshoots and highlights clipped") {
  std::vector<float> values(200, 0.5F);
  values[0] = 1.02F;
  CHECK(decode_error(float_tiff(values)).empty());
  values[1] = 40;  // a lamp
  values[2] = std::numeric_limits<float>::quiet_NaN();
  const Image clipped = decode_image(float_tiff(values), "x").image;
  CHECK(clipped.pixels.at<float>(0, 1) == 1.0F);
  CHECK(clipped.pixels.at<float>(0, 2) == 0.0F);
  for (const float range : {255.0F, 65535.0F}) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = i < 150 ? 0 : range * static_cast<float>(i) / 200;
    const std::string message = decode_error(float_tiff(values));
    CHECK(message.find("not 0..1") != std::string::npos);
    CHECK(message.find(fmt::format("divide them by {}", range)) != std::string::npos);
  }
}
