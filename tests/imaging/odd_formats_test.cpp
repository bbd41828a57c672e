// Kinds of files that our own writers never make, built byte by byte.
#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

/// All samples, pixel by pixel.
std::vector<int> flat_samples(const Image& image) {
  cv::Mat values;
  image.pixels.reshape(1).convertTo(values, CV_32S);
  return std::vector<int>(values.begin<int>(), values.end<int>());
}

using Values = std::vector<int>;

std::vector<TiffTag> tiff_tags(int width, int height, std::vector<std::uint32_t> bits, int photometric) {
  return {{256, 4, {std::uint32_t(width)}},
          {257, 4, {std::uint32_t(height)}},
          {258, 3, bits},
          {259, 3, {1}},
          {262, 3, {std::uint32_t(photometric)}},
          {273, 4, {0}},
          {277, 3, {std::uint32_t(bits.size())}},
          {278, 4, {std::uint32_t(height)}}};
}

TiffPage tiff_page(std::vector<TiffTag> tags, const Bytes& pixels) {
  tags.push_back({279, 4, {std::uint32_t(pixels.size())}});
  return {tags, pixels};
}

}  // namespace

TEST_CASE("PNG: 1, 2 and 4 bit gray") {
  CHECK(flat_samples(decode_image(make_png(3, 1, 1, 0, {0, 0b10100000}), "x").image) == Values{255, 0, 255});
  CHECK(flat_samples(decode_image(make_png(3, 1, 2, 0, {0, 0b01101100}), "x").image) == Values{85, 170, 255});
  CHECK(flat_samples(decode_image(make_png(3, 1, 4, 0, {0, 0x1f, 0x80}), "x").image) == Values{17, 255, 136});
}

TEST_CASE("PNG: palettes become RGB, with transparency RGBA") {
  Bytes extra = png_chunk("PLTE", {10, 20, 30, 40, 50, 60});
  const Image opaque = decode_image(make_png(2, 1, 8, 3, {0, 1, 0}, extra), "x").image;
  CHECK(opaque.channels() == 3);
  CHECK(flat_samples(opaque) == Values{40, 50, 60, 10, 20, 30});
  put(extra, png_chunk("tRNS", {128}));
  const Image transparent = decode_image(make_png(2, 1, 8, 3, {0, 1, 0}, extra), "x").image;
  CHECK(flat_samples(transparent) == Values{40, 50, 60, 255, 10, 20, 30, 128});
}

TEST_CASE("PNG: a transparent colour key becomes alpha, 16 bits keep their byte order") {
  const Image keyed = decode_image(make_png(2, 1, 8, 0, {0, 7, 9}, png_chunk("tRNS", {0, 9})), "x").image;
  CHECK(keyed.channels() == 2);
  CHECK(flat_samples(keyed) == Values{7, 255, 9, 0});
  const Image wide = decode_image(make_png(1, 1, 16, 0, {0, 0x12, 0x34}), "x").image;
  CHECK(wide.depth() == Depth::u16);
  CHECK(flat_samples(wide) == Values{0x1234});
}

TEST_CASE("PNG: interlaced") {
  // 2 x 2: pass 1 holds the pixel (0,0), pass 6 (1,0), pass 7 the second row.
  const Image image = decode_image(make_png(2, 2, 8, 0, {0, 1, 0, 2, 0, 3, 4}, {}, true), "x").image;
  CHECK(flat_samples(image) == Values{1, 2, 3, 4});
}

TEST_CASE("PNM: all six kinds, comments and odd maxima") {
  const auto decode = [](std::string_view text) { return decode_image(bytes_of(text), "x").image; };
  CHECK(flat_samples(decode("P1\n# note\n3 2\n101\n0 1 0\n")) == Values{0, 255, 0, 255, 0, 255});
  CHECK(flat_samples(decode("P2 2 1 # max\n100 0 50")) == Values{0, 128});
  CHECK(flat_samples(decode("P3\n1 1\n255\n1 2 3")) == Values{1, 2, 3});
  CHECK(flat_samples(decode("P4\n3 1\n\xa0")) == Values{0, 255, 0});
  CHECK(flat_samples(decode("P5 2 1 255\nA\x01")) == Values{65, 1});
  const Image wide = decode(std::string_view("P6 1 1 65535\n\x01\x02\x03\x04\x05\x06", 19));
  CHECK(wide.depth() == Depth::u16);
  CHECK(flat_samples(wide) == Values{0x0102, 0x0304, 0x0506});
  CHECK(decode_error(bytes_of("P7\nWIDTH 1\n")).find("PAM") != std::string::npos);
  CHECK_FALSE(decode_error(bytes_of("P2 2 1 100 0 101")).empty());
  CHECK_FALSE(decode_error(bytes_of("P5 0 1 255\n")).empty());
}

TEST_CASE("TIFF: bits, white is zero, palettes, byte orders") {
  for (const bool big : {false, true}) {
    const auto decode = [&](const TiffPage& page) { return decode_image(make_tiff({page}, big), "x").image; };
    CHECK(flat_samples(decode(tiff_page(tiff_tags(3, 1, {1}, 1), {0b10100000}))) == Values{255, 0, 255});
    CHECK(flat_samples(decode(tiff_page(tiff_tags(2, 1, {8}, 0), {0, 200}))) == Values{255, 55});
    Bytes wide;
    put(wide, 0x1234, 2, big);
    const Image image = decode(tiff_page(tiff_tags(1, 1, {16}, 1), wide));
    CHECK(image.depth() == Depth::u16);
    CHECK(flat_samples(image) == Values{0x1234});
  }
  auto tags = tiff_tags(2, 1, {8}, 3);
  std::vector<std::uint32_t> map(768, 0);
  for (int c = 0; c < 3; ++c) map[256 * c + 5] = 257 * (10 + c);
  TiffPage page = tiff_page(tags, {5, 0});
  page.tags.push_back({320, 3, map});
  CHECK(flat_samples(decode_image(make_tiff({page}), "x").image) == Values{10, 11, 12, 0, 0, 0});
}

TEST_CASE("TIFF: planes, tiles, premultiplied alpha") {
  TiffPage planar = tiff_page(tiff_tags(2, 1, {8, 8, 8}, 2), {1, 2, 3, 4, 5, 6});
  planar.tags[5].values = {0, 2, 4};
  planar.tags.back().values = {2, 2, 2};
  planar.tags.push_back({284, 3, {2}});
  CHECK(flat_samples(decode_image(make_tiff({planar}), "x").image) == Values{1, 3, 5, 2, 4, 6});

  // Two tiles of 16 x 16 for 20 x 3 pixels.
  Bytes pixels;
  for (int i = 0; i < 512; ++i) pixels.push_back(static_cast<std::uint8_t>(i % 16 + i / 16 % 16 * 16 + i / 256 * 3));
  const TiffPage tiled{{{256, 4, {20}},
                        {257, 4, {3}},
                        {258, 3, {8}},
                        {259, 3, {1}},
                        {262, 3, {1}},
                        {277, 3, {1}},
                        {322, 4, {16}},
                        {323, 4, {16}},
                        {324, 4, {0, 256}},
                        {325, 4, {256, 256}}},
                       pixels};
  const Image image = decode_image(make_tiff({tiled}), "x").image;
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 20; ++x) CHECK(image.pixels.at<std::uint8_t>(y, x) == x % 16 + 16 * y + x / 16 * 3);

  TiffPage alpha = tiff_page(tiff_tags(1, 1, {8, 8, 8, 8}, 2), {50, 25, 0, 128});
  alpha.tags.push_back({338, 3, {1}});
  CHECK(flat_samples(decode_image(make_tiff({alpha}), "x").image) == Values{100, 50, 0, 128});
}

TEST_CASE("TIFF: extra samples are bands unless they are said to be alpha") {
  const auto decoded = [](int photometric, Bytes samples, std::vector<std::uint32_t> kinds) {
    TiffPage page = tiff_page(tiff_tags(1, 1, std::vector<std::uint32_t>(samples.size(), 8), photometric), samples);
    if (!kinds.empty()) page.tags.push_back({338, 3, kinds});
    return flat_samples(decode_image(make_tiff({page}), "x").image);
  };
  CHECK(decoded(1, {1, 2}, {0}) == Values{1, 2});              // gray and what has always been taken for alpha
  CHECK(decoded(1, {1, 2, 3}, {0, 0}) == Values{1, 2, 3});     // three bands
  CHECK(decoded(1, {1, 2, 3}, {2, 0}) == Values{1, 2});        // gray, alpha, something else
  CHECK(decoded(2, {1, 2, 3, 4}, {0}) == Values{1, 2, 3, 4});  // RGBA
  CHECK(decoded(2, {1, 2, 3, 4, 5}, {2, 0}) == Values{1, 2, 3, 4});
  CHECK(decoded(2, {1, 2, 3, 4, 5}, {0, 0}) == Values{1, 2, 3, 4, 5});
  CHECK(decoded(0, {1, 2, 3, 4, 5, 6}, {}) == Values{254, 253, 252, 251, 250, 249});  // white is zero
  CHECK_THROWS_AS(decoded(1, Bytes(65, 0), {}), Error);
  // Turned a quarter: what was on the left comes to the top.
  TiffPage wide = tiff_page(tiff_tags(2, 1, {8, 8, 8, 8, 8}, 1), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  wide.tags.push_back({274, 3, {6}});
  const Image upright = decode_image(make_tiff({wide}), "x").image;
  CHECK(upright.height() == 2);
  CHECK(flat_samples(upright) == Values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("TIFF: further pages are refused, thumbnails are no pages") {
  const TiffPage page = tiff_page(tiff_tags(2, 1, {8}, 1), {5, 0});
  CHECK(decode_error(make_tiff({page, page})).find("more than one page") != std::string::npos);
  TiffPage thumbnail = page;
  thumbnail.tags.insert(thumbnail.tags.begin(), {254, 4, {1}});
  CHECK(decode_error(make_tiff({page, thumbnail})).empty());
}

TEST_CASE("TIFF: signed samples and cameras' raw files are refused by name") {
  const auto with = [](const TiffTag& tag) {
    TiffPage page = tiff_page(tiff_tags(2, 1, {8}, 1), {5, 0});
    page.tags.push_back(tag);
    std::stable_sort(page.tags.begin(), page.tags.end(), [](auto& a, auto& b) { return a.tag < b.tag; });
    return page;
  };
  for (const std::uint32_t kind : {2, 5, 6})
    CHECK(decode_error(make_tiff({with({339, 3, {kind}})})).find("signed") != std::string::npos);
  for (const std::uint32_t kind : {1, 4}) CHECK(decode_error(make_tiff({with({339, 3, {kind}})})).empty());
  CHECK(decode_error(make_tiff({with({50706, 1, {1, 4, 0, 0}})})).find("raw file") != std::string::npos);
  TiffPage preview = with({254, 4, {1}});
  CHECK(decode_error(make_tiff({preview})).empty());  // small, but all there is
  preview.tags.insert(preview.tags.end() - 1, {330, 4, {8}});
  std::stable_sort(preview.tags.begin(), preview.tags.end(), [](auto& a, auto& b) { return a.tag < b.tag; });
  CHECK(decode_error(make_tiff({preview})).find("raw file") != std::string::npos);
}

TEST_CASE("WebP: what stands behind the picture is passed over") {
  const Image image = noise(9, 7, 3, Depth::u8);
  Bytes bytes = encode_image(image, Format::webp, {}, {.quality = 100});
  put(bytes, bytes_of("appended by some program"));
  CHECK(same(decode_image(bytes, "x").image, image));
  CHECK(read_header(bytes, "x").width == 9);
}

TEST_CASE("BMP: palettes, run lengths, bit fields, upside down") {
  const auto header = [](int width, int height, int bits, int compression, int colours, const Bytes& tail) {
    const int offset = 54 + 4 * colours + (compression == 3 ? 12 : 0);
    Bytes out = bytes_of("BM");
    for (const int value : {0, 0, offset, 40, width, height}) put(out, static_cast<std::uint32_t>(value), 4, false);
    put(out, 1, 2, false);
    put(out, bits, 2, false);
    for (const int value : {compression, 0, 0, 0, colours, 0}) put(out, value, 4, false);
    put(out, tail);
    return out;
  };
  const Bytes two{0, 0, 0, 0, 3, 2, 1, 0};
  Bytes tail = two;
  put(tail, Bytes{0b01000000, 0, 0, 0});
  CHECK(flat_samples(decode_image(header(2, 1, 1, 0, 2, tail), "x").image) == Values{0, 0, 0, 1, 2, 3});
  tail = two;
  put(tail, Bytes{2, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1});  // two of colour 1; then one; end
  CHECK(flat_samples(decode_image(header(2, 2, 8, 1, 2, tail), "x").image) ==
        Values{1, 2, 3, 0, 0, 0, 1, 2, 3, 1, 2, 3});
  tail = {0x00, 0xf8, 0, 0, 0xe0, 0x07, 0, 0, 0x1f, 0, 0, 0, 0xff, 0xff, 0x00, 0xf8};
  CHECK(flat_samples(decode_image(header(2, 1, 16, 3, 0, tail), "x").image) == Values{255, 255, 255, 255, 0, 0});
  tail = {1, 2, 3, 0, 4, 5, 6, 0};
  CHECK(flat_samples(decode_image(header(1, -2, 24, 0, 0, tail), "x").image) == Values{3, 2, 1, 6, 5, 4});
  CHECK(flat_samples(decode_image(header(1, 2, 32, 0, 0, tail), "x").image) == Values{6, 5, 4, 3, 2, 1});
}
