// Formats that are read and not written, by files of other programs (files/README.md).
#include <random>

#include "ganvas/core/log.hpp"
#include "ganvas/imaging/picture_files.hpp"
#include "pictures.hpp"
#include "support/mutation.hpp"
#include "support/stderr_capture.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

Bytes sample(const std::string& name) {
  return read_file(std::filesystem::path(GANVAS_SOURCE_DIR) / "tests/imaging/files" / name);
}

/// Whether this build reads the format; says so where it doesn't, and that the refusal names the option.
bool readable(Format format, const std::string& name, const std::string& option) {
  if (can_read(format)) return true;
  CHECK(decode_error(sample(name)).find("-D" + option + "=ON") != std::string::npos);
  std::printf("[skipped] built without %s\n", option.c_str());
  return false;
}

/// The largest difference of two pictures' samples.
double difference(const Image& a, const Image& b) {
  REQUIRE(a.pixels.size() == b.pixels.size());
  REQUIRE(a.pixels.type() == b.pixels.type());
  return cv::norm(a.pixels, b.pixels, cv::NORM_INF);
}

void check_like(const std::string& name, const std::string& original, double tolerance) {
  CAPTURE(name);
  const DecodedImage decoded = decode_image(sample(name), name);
  const DecodedImage expected = decode_image(sample(original), original);
  CHECK(difference(decoded.image, expected.image) <= tolerance);
  CHECK_FALSE(is_written(decoded.format));
  const ImageHeader header = read_header(sample(name), name);
  CHECK(header.width == expected.image.width());
  CHECK(header.height == expected.image.height());
  CHECK(written_for(decoded.format) == Format::png);
}

/// Every truncation is refused in words or is the whole picture, whatever the library says.
void check_cuts(const std::string& name) {
  CAPTURE(name);
  const Bytes whole = sample(name);
  const Image image = decode_image(whole, name).image;
  for (std::size_t length = 0; length < whole.size(); length += 1 + length / 64) {
    CAPTURE(length);
    try {
      const Image read = decode_image(std::span(whole).first(length), name).image;
      CHECK(same(read, image));
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::file);
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
    }
  }
}

void check_carried(const Metadata& metadata) {
  CHECK(metadata.resolution.in_inches().across == doctest::Approx(300));
  CHECK(metadata.xmp.find(">T<") != std::string::npos);
  CHECK(metadata.dropped.empty());
  if (!metadata_supported()) return;
  const std::string exif(metadata.exif.begin(), metadata.exif.end());
  CHECK(exif.find("Me") != std::string::npos);
}

}  // namespace

TEST_CASE("HEIC and AVIF: 8 and 10 bits, alpha, and what they carry") {
  if (!readable(Format::heif, "alpha.heic", "GANVAS_WITH_HEIF")) return;
  check_like("alpha.heic", "rgba.png", 8);  // lossy
  check_like("deep.heic", "deep.png", 8 * 257);
  check_like("rgb.avif", "rgb.png", 8);
  // The file's own turns count and are the library's to do; EXIF's orientation says nothing.
  const DecodedImage carried = decode_image(sample("meta.heic"), "x");
  CHECK(same(carried.image, decode_image(sample("alpha.heic"), "x").image));
  CHECK(carried.metadata.orientation == 1);
  check_carried(carried.metadata);
  check_cuts("alpha.heic");
  check_cuts("rgb.avif");
  Bytes film = sample("rgb.avif");
  film[11] = 's';  // "avis", a sequence
  CHECK(decode_error(film).find("is animated, or has more than one page") != std::string::npos);
}

TEST_CASE("JPEG XL: gray, alpha, 16 bits, and what it carries") {
  if (!readable(Format::jxl, "rgba.jxl", "GANVAS_WITH_JXL")) return;
  check_like("rgba.jxl", "rgba.png", 0);
  check_like("deep.jxl", "deep.png", 0);
  check_like("gray.jxl", "gray.png", 0);
  const DecodedImage carried = decode_image(sample("meta.jxl"), "x");
  CHECK(same(carried.image, decode_image(sample("rgba.png"), "x").image));
  CHECK_FALSE(carried.metadata.icc.empty());
  check_carried(carried.metadata);
  for (const char* name : {"rgba.jxl", "meta.jxl", "deep.jxl"}) check_cuts(name);
}

TEST_CASE("GIF: stills, interlaced, transparent, commented, and films are refused") {
  if (!readable(Format::gif, "rgb.gif", "GANVAS_WITH_GIF")) return;
  check_like("rgb.gif", "rgb.png", 0);
  check_like("interlaced.gif", "rgb.png", 0);
  const DecodedImage transparent = decode_image(sample("transparent.gif"), "x");
  CHECK(transparent.metadata.comments == std::vector<std::string>{"hello"});
  REQUIRE(transparent.image.channels() == 4);
  const Image original = decode_image(sample("rgb.png"), "x").image;
  CHECK(same(colour_part(transparent.image), original));
  for (int y = 0; y < original.height(); ++y)
    for (int x = 0; x < original.width(); ++x) {
      const bool named = original.pixels.at<cv::Vec3b>(y, x) == cv::Vec3b(0x28, 0x3c, 0xc8);
      CHECK(transparent.image.pixels.at<cv::Vec4b>(y, x)[3] == (named ? 0 : 255));
    }
  for (const char* name : {"rgb.gif", "interlaced.gif", "transparent.gif"}) check_cuts(name);

  // The one picture once more, behind itself.
  Bytes film = sample("rgb.gif");
  const std::size_t picture = 13 + 3 * 4;
  REQUIRE(film[picture] == ',');
  const Bytes again(film.begin() + picture, film.end());
  film.pop_back();
  film.insert(film.end(), again.begin(), again.end());
  CHECK(decode_error(film).find("is animated, or has more than one page") != std::string::npos);
  // A picture on a larger screen leaves the rest transparent; one beyond its screen is damaged.
  Bytes wide = sample("rgb.gif"), narrow = wide;
  wide[6] = 20;
  narrow[6] = 15;
  const Image on_screen = decode_image(wide, "x").image;
  CHECK(on_screen.width() == 20);
  CHECK(on_screen.pixels.at<cv::Vec4b>(0, 19)[3] == 0);
  CHECK(on_screen.pixels.at<cv::Vec4b>(0, 15)[3] == 255);
  CHECK(decode_error(narrow).find("is damaged") != std::string::npos);
}

TEST_CASE("TGA: colours, gray, palettes, runs, every direction and depth") {
  for (const char* name : {"plain.tga", "rle.tga", "cmap.tga"}) check_like(name, "rgb.png", 0);
  check_like("mono.tga", "gray.png", 0);
  for (const char* name : {"plain.tga", "rle.tga", "cmap.tga", "mono.tga"}) check_cuts(name);

  // 2 x 2 pixels a, b, c, d in the order of the file.
  const auto made = [](int bits, int descriptor, const Bytes& pixels, int kind = 2) {
    Bytes bytes{
        0, 0, std::uint8_t(kind), 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, std::uint8_t(bits), std::uint8_t(descriptor)};
    bytes.insert(bytes.end(), pixels.begin(), pixels.end());
    return bytes;
  };
  const auto reds = [&](int descriptor) {
    const Bytes pixels{0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4};
    const Image image = decode_image(made(24, descriptor, pixels), "x").image;
    std::vector<int> values;
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 2; ++x) values.push_back(image.pixels.at<cv::Vec3b>(y, x)[0]);
    return values;
  };
  CHECK(reds(0x00) == std::vector<int>{3, 4, 1, 2});  // from the bottom, as most are
  CHECK(reds(0x20) == std::vector<int>{1, 2, 3, 4});
  CHECK(reds(0x10) == std::vector<int>{4, 3, 2, 1});
  CHECK(reds(0x30) == std::vector<int>{2, 1, 4, 3});

  const Image five = decode_image(made(16, 0x20, {0xff, 0x7f, 0x00, 0x7c, 0xe0, 0x03, 0x1f, 0x00}), "x").image;
  CHECK(five.pixels.at<cv::Vec3b>(0, 0) == cv::Vec3b(255, 255, 255));
  CHECK(five.pixels.at<cv::Vec3b>(0, 1) == cv::Vec3b(255, 0, 0));
  CHECK(five.pixels.at<cv::Vec3b>(1, 0) == cv::Vec3b(0, 255, 0));
  CHECK(five.pixels.at<cv::Vec3b>(1, 1) == cv::Vec3b(0, 0, 255));
  const Bytes with_alpha{1, 2, 3, 9, 1, 2, 3, 0, 1, 2, 3, 255, 1, 2, 3, 7};
  CHECK(decode_image(made(32, 0x28, with_alpha), "x").image.pixels.at<cv::Vec4b>(0, 0) == cv::Vec4b(3, 2, 1, 9));
  const Bytes no_alpha{1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0};
  CHECK(decode_image(made(32, 0x28, no_alpha), "x").image.channels() == 3);  // zero everywhere means opaque
  CHECK(decode_image(made(16, 0x28, {5, 255, 6, 0, 7, 1, 8, 2}, 3), "x").image.pixels.at<cv::Vec2b>(0, 1) ==
        cv::Vec2b(6, 0));
  CHECK(decode_error(made(24, 0, {0x85, 1, 2, 3}, 10)).find("is damaged") != std::string::npos);  // six of four pixels
  Bytes huge = made(24, 0, {0x85, 1, 2, 3}, 10);
  huge[12] = huge[13] = huge[14] = huge[15] = 0xff;
  CHECK(decode_error(huge).find("claims 65535 x 65535 pixels") != std::string::npos);
  // What isn't one: an icon, a cursor, a text.
  for (const Bytes& other : {Bytes{0, 0, 1, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0, 0, 1, 0, 0, 0, 0},
                             Bytes{0, 0, 2, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0, 0, 1, 24, 0, 0, 0},
                             bytes_of("just a text that is long enough\n")})
    CHECK(sniff_format(other) != Format::tga);
}

TEST_CASE("read only formats: in folders they are pictures, and a name that promises one is refused as what it is") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a.tga", sample("plain.tga"));
  write_file_atomically(folder / "b.tga", bytes_of("no picture"));
  write_file_atomically(folder / "c.dat", sample("rle.tga"));  // by its content
  const auto pictures = list_pictures(folder.path());
  REQUIRE(pictures.size() == 3);
  CHECK(pictures[0].problem.empty());
  CHECK(pictures[1].path.filename() == "c.dat");
  CHECK(pictures[2].problem == "is a TGA by its name or its first bytes, but none that can be read; convert it to PNG");
}

TEST_CASE("read only formats: decoders have their own words for damage, which nobody sees, and ours pass") {
  std::vector<std::string> names;
  if (can_read(Format::jxl)) names.insert(names.end(), {"rgba.jxl", "gray.jxl", "deep.jxl"});
  if (can_read(Format::heif)) names.insert(names.end(), {"rgb.avif", "alpha.heic"});
  StderrCapture heard;
  std::mt19937 random(5);
  std::size_t refused = 0;
  for (const std::string& name : names)
    for (int copy = 0; copy < 60; ++copy)
      refused += !decode_error(mutated(sample(name), random), {.max_pixels = 1 << 20}).empty();
  log(LogLevel::warning, "a word of ours");
  const std::string words = heard.finish();
  CHECK(refused >= 10 * names.size());
  CHECK(words == "warning: a word of ours\n");
}
