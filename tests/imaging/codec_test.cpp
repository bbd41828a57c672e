#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "ganvas/imaging/resize.hpp"
#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// As it comes back from a format that stores gray as RGB.
Image as_stored(const Image& image, Format format) {
  const FormatCapacity& holds = capacity_of(format);
  if (image.channels() > 2 || (image.has_alpha() ? holds.gray_alpha : holds.gray)) return image;
  const Image colour = to_rgb(colour_part(image));
  return image.has_alpha() ? with_alpha(colour, alpha_part(image)) : colour;
}

}  // namespace

TEST_CASE("the table of formats: a row each, and the texts that list them") {
  for (const auto& [format, name, label, extension, gray, extensions] : format_names) {
    CHECK(&name_of(format) == &format_names[static_cast<int>(format)]);
    CHECK(format_from_name(name) == format);
    CHECK(extensions[0].size() > 0);
    for (const auto& each : extensions)
      if (!each.empty()) CHECK(format_from_name(each) == format);
    CHECK(format_from_name(gray) == format);
    CHECK(capacity_of(format).longest_side > 16000);
    CHECK(can_hold(format, Depth::u8, 3));
  }
  CHECK(format_choices() == "png, jpeg, webp, tiff, bmp or pnm");
  const Bytes readme = read_file(std::filesystem::path(GANVAS_SOURCE_DIR) / "README.md");
  const std::string text(readme.begin(), readme.end());
  for (const FormatName& row : format_names) CHECK(text.find(row.label) != std::string::npos);
  CHECK(foreign_format("a.HEIC")->label == "a HEIF, AVIF or video file");
  CHECK(foreign_format("png") == nullptr);
  CHECK(foreign_format("") == nullptr);
}

TEST_CASE("lossless formats keep every sample, depth and channel they can hold") {
  const EncodeOptions lossless{.quality = 100};
  for (const auto& row : format_names) {
    const Format format = row.format;
    if (format == Format::jpeg) continue;
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
      for (int channels = 1; channels <= 4; ++channels) {
        if (!can_hold(format, depth, channels)) continue;
        for (const auto& [width, height] : {std::pair{1, 1}, {3, 8}, {53, 41}, {7, 301}}) {
          INFO(extension_of(format) << " " << channels << " channels, " << width << " x " << height);
          const Image image = noise(width, height, channels, depth);
          const DecodedImage decoded = decode_image(encode_image(image, format, {}, lossless), "x");
          CHECK(decoded.format == format);
          CHECK(same(decoded.image, as_stored(image, format)));
        }
      }
  }
}

TEST_CASE("bands: TIFF keeps them, other formats refuse them, resizing sees each by itself") {
  for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
    for (const int channels : {5, 13, most_channels}) {
      const Image image = noise(19, 11, channels, depth);
      CHECK(can_hold(Format::tiff, depth, channels));
      const Bytes stored = encode_image(image, Format::tiff, {});
      CHECK(same(decode_image(stored, "x").image, image));
      CHECK(colour_part(image).channels() == 3);
      const Image smaller = resize(image, 12, 7);
      CHECK(smaller.channels() == channels);
      for (const int band : {0, channels - 1}) {
        Image one, of_smaller;
        cv::extractChannel(image.pixels, one.pixels, band);
        cv::extractChannel(smaller.pixels, of_smaller.pixels, band);
        CHECK(same(resize(one, 12, 7), of_smaller));
      }
    }
  for (const auto& row : format_names)
    if (row.format != Format::tiff)
      CHECK_THROWS_WITH_AS(encode_image(noise(4, 4, 7, Depth::u8), row.format, {}), doctest::Contains("as TIFF only"),
                           Error);
}

TEST_CASE("a dark 16 bit picture stays 16 bit") {
  Image dark(20, 10, 3, Depth::u16);
  cv::randu(dark.pixels, 0, 200);
  for (const Format format : {Format::png, Format::tiff, Format::pnm})
    CHECK(same(decode_image(encode_image(dark, format, {}), "x").image, dark));
}

TEST_CASE("lossy formats stay near the picture") {
  for (const int channels : {1, 3}) {
    const Image image = gradient(80, 61, channels, Depth::u8);
    for (const Format format : {Format::jpeg, Format::webp}) {
      CAPTURE(extension_of(format));
      const DecodedImage decoded = decode_image(encode_image(image, format, {}), "x");
      const bool gray = channels == 1 && format == Format::jpeg;
      CHECK(decoded.image.channels() == (gray ? 1 : 3));
      CHECK(largest_difference(decoded.image, gray ? image : to_rgb(image)) <= 6);
    }
  }
}

TEST_CASE("the quality option changes the size") {
  const Image image = noise(64, 64, 3, Depth::u8);
  for (const Format format : {Format::jpeg, Format::webp}) {
    std::size_t before = 0;
    for (const int quality : {10, 50, 80, 95}) {
      const std::size_t size = encode_image(image, format, {}, {.quality = quality}).size();
      CHECK(size > before);
      before = size;
    }
  }
  Image flat = gradient(300, 300, 3, Depth::u8);
  CHECK(encode_image(flat, Format::png, {}, {.png_level = 9}).size() <
        encode_image(flat, Format::png, {}, {.png_level = 0}).size() / 4);
}

TEST_CASE("samples that a format can't hold are converted with rounding, alpha is laid on white") {
  const Image wide = noise(15, 9, 3, Depth::u16);
  CHECK(same(decode_image(encode_image(wide, Format::bmp, {}), "x").image, to_depth(wide, Depth::u8)));
  const Image floats = noise(15, 9, 1, Depth::f32);
  CHECK(same(decode_image(encode_image(floats, Format::png, {}), "x").image, to_depth(floats, Depth::u16)));

  const Image image = noise(15, 9, 4, Depth::u8);
  const Image flat = decode_image(encode_image(image, Format::pnm, {}), "x").image;
  REQUIRE(flat.channels() == 3);
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x)
      for (int c = 0; c < 3; ++c) {
        const auto& pixel = image.pixels.at<cv::Vec4b>(y, x);
        const double alpha = pixel[3] / 255.0;
        REQUIRE(std::abs(flat.pixels.at<cv::Vec3b>(y, x)[c] - (alpha * pixel[c] + (1 - alpha) * 255)) <= 0.5001);
      }
}

TEST_CASE("an independent reader sees the same pictures") {
  const Image image = noise(37, 23, 3, Depth::u8);
  for (const Format format : {Format::png, Format::tiff, Format::bmp, Format::pnm}) {
    cv::Mat other = cv::imdecode(encode_image(image, format, {}), cv::IMREAD_UNCHANGED);
    cv::cvtColor(other, other, cv::COLOR_BGR2RGB);
    CHECK(same(Image(other), image));
  }
  const Image wide = noise(37, 23, 4, Depth::u16);
  cv::Mat other = cv::imdecode(encode_image(wide, Format::png, {}), cv::IMREAD_UNCHANGED);
  cv::cvtColor(other, other, cv::COLOR_BGRA2RGBA);
  CHECK(same(Image(other), wide));
  const Image alpha = noise(37, 23, 4, Depth::u8);
  other = cv::imdecode(encode_image(alpha, Format::bmp, {}), cv::IMREAD_UNCHANGED);
  REQUIRE(other.channels() == 4);
  cv::cvtColor(other, other, cv::COLOR_BGRA2RGBA);
  CHECK(same(Image(other), alpha));
}

TEST_CASE("pictures of an independent writer are read") {
  for (const char* extension : {".png", ".bmp", ".ppm", ".tif"}) {
    const Image image = noise(37, 23, 3, Depth::u8);
    cv::Mat bgr;
    cv::cvtColor(image.pixels, bgr, cv::COLOR_RGB2BGR);
    Bytes bytes;
    REQUIRE(cv::imencode(extension, bgr, bytes));
    CHECK(same(decode_image(bytes, "x").image, image));
  }
}

TEST_CASE("a large PNG of several strips is one valid stream") {
  const Image image = gradient(1200, 900, 3, Depth::u8);  // beyond 3 MB: several strips
  const Bytes bytes = encode_image(image, Format::png, {});
  CHECK(same(decode_image(bytes, "x").image, image));
  CHECK_FALSE(cv::imdecode(bytes, cv::IMREAD_UNCHANGED).empty());
}

TEST_CASE("headers tell size and format without decoding") {
  for (const auto& [format, name, label, extension, gray, extensions] : format_names) {
    const ImageHeader header = read_header(encode_image(noise(31, 17, 3, Depth::u8), format, {}), "x");
    CHECK(header.format == format);
    CHECK(header.width == 31);
    CHECK(header.height == 17);
    CHECK(header.orientation == 1);
  }
}

TEST_CASE("formats are told by content and by extension") {
  for (const auto& [format, name, label, extension, gray, extensions] : format_names) {
    const Bytes bytes = encode_image(noise(8, 8, 1, Depth::u8), format, {});
    CHECK(sniff_format(bytes) == format);
    CHECK(format_from_name("folder.d/x." + extension_of(format)) == format);
    CHECK(format_from_name(extension_of(format)) == format);
  }
  CHECK(format_from_name("JPG") == Format::jpeg);
  CHECK(format_from_name(".jpeg") == Format::jpeg);
  CHECK(format_from_name("a.TIFF") == Format::tiff);
  CHECK(extension_of(Format::pnm, 1) == "pgm");
  CHECK_FALSE(format_from_name("a.gif"));
  CHECK_FALSE(format_from_name(""));
  CHECK_FALSE(sniff_format(bytes_of("BMW builds cars, and this is a text")));
  CHECK_FALSE(sniff_format({}));
}

TEST_CASE("files: any Unicode name, content rules over the extension, errors name the file") {
  const TemporaryFolder folder;
  const Image image = noise(12, 9, 3, Depth::u8);
  const auto path = folder / "Grüße 写真 🙂.png";
  write_image(path, image);
  CHECK(same(read_image(path).image, image));
  std::filesystem::rename(path, folder / "really-png.jpg");
  CHECK(read_image(folder / "really-png.jpg").format == Format::png);
  CHECK_THROWS_WITH_AS(write_image(folder / "x.gif", image), doctest::Contains("x.gif"), Error);
  CHECK_THROWS_WITH_AS(read_image(folder / "none.png"), doctest::Contains("none.png"), Error);
}

TEST_CASE("sizes that a format can't hold are refused with the limit") {
  const Image wide(70000, 1, 1, Depth::u8);
  for (const Format format : {Format::jpeg, Format::webp})
    CHECK_THROWS_WITH_AS(encode_image(wide, format, {}), doctest::Contains("at most"), Error);
  CHECK_THROWS_AS(encode_image(Image(), Format::png, {}), Error);
}
