#include <fmt/format.h>

#include <bit>

#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

constexpr Format carriers[] = {Format::png, Format::jpeg, Format::webp, Format::tiff};

/// Size, signature and colour space are what readers check.
Bytes make_icc(std::string_view space, std::size_t size) {
  Bytes icc(size, 0);
  for (int i = 0; i < 4; ++i) icc[i] = static_cast<std::uint8_t>(size >> (24 - 8 * i));
  std::copy_n("mntr", 4, icc.begin() + 12);
  std::copy_n(space.begin(), 4, icc.begin() + 16);
  std::copy_n("XYZ ", 4, icc.begin() + 20);
  std::copy_n("acsp", 4, icc.begin() + 36);
  for (std::size_t i = 132; i < size; ++i) icc[i] = static_cast<std::uint8_t>(i * i % 251);
  return icc;
}

std::string make_xmp() {
  return "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta "
         "xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
         "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" "
         "xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" "
         "xmp:CreatorTool=\"Jane's brush\" tiff:Orientation=\"6\" "
         "tiff:ImageWidth=\"7\"/></rdf:RDF></x:xmpmeta><?xpacket "
         "end=\"w\"?>";
}

/// Display position of a stored pixel, by the EXIF specification's words: where row 0 and column 0 are seen.
cv::Point displayed(int orientation, int row, int column, int width, int height) {
  switch (orientation) {
    case 1:
      return {column, row};  // top, left
    case 2:
      return {width - 1 - column, row};  // top, right
    case 3:
      return {width - 1 - column, height - 1 - row};  // bottom, right
    case 4:
      return {column, height - 1 - row};  // bottom, left
    case 5:
      return {row, column};  // left, top
    case 6:
      return {height - 1 - row, column};  // right, top
    case 7:
      return {height - 1 - row, width - 1 - column};  // right, bottom
    default:
      return {row, width - 1 - column};  // left, bottom
  }
}

Image turned(const Image& stored, int orientation) {
  const bool swapped = orientation >= 5;
  Image result(swapped ? stored.height() : stored.width(), swapped ? stored.width() : stored.height(), 3, Depth::u8);
  for (int y = 0; y < stored.height(); ++y)
    for (int x = 0; x < stored.width(); ++x)
      result.pixels.at<cv::Vec3b>(displayed(orientation, y, x, stored.width(), stored.height())) =
          stored.pixels.at<cv::Vec3b>(y, x);
  return result;
}

bool contains(const Bytes& bytes, const Bytes& part) {
  return std::search(bytes.begin(), bytes.end(), part.begin(), part.end()) != bytes.end();
}

/// An EXIF long of a tag, wherever it lies in the block.
bool has_long(const Bytes& exif, int tag, std::uint32_t value) {
  for (const bool big : {false, true}) {
    Bytes entry;
    put(entry, tag, 2, big);
    put(entry, 4, 2, big);
    put(entry, 1, 4, big);
    put(entry, value, 4, big);
    if (contains(exif, entry)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("all eight orientations are baked in, with or without exiv2") {
  const Image stored = noise(7, 4, 3, Depth::u8);
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool big : {false, true}) {
      CAPTURE(orientation);
      for (const Format format : {Format::png, Format::jpeg, Format::webp}) {
        CAPTURE(extension_of(format));
        const Bytes plain = encode_image(stored, format, {}, {.quality = 100});
        const Bytes bytes = with_exif(plain, format, make_exif(orientation, big), 7, 4);
        const Image as_stored = decode_image(plain, "x").image;
        const DecodedImage decoded = decode_image(bytes, "x");
        CHECK(same(decoded.image, turned(as_stored, orientation)));
        CHECK(decoded.metadata.orientation == 1);
        CHECK(read_header(bytes, "x").orientation == orientation);
        const DecodedImage raw = decode_image(bytes, "x", {.apply_orientation = false});
        CHECK(same(raw.image, as_stored));
        CHECK(raw.metadata.orientation == orientation);
        // Once more through a file: it must not be turned twice.
        const Bytes again = encode_image(decoded.image, Format::png, decoded.metadata);
        CHECK(same(decode_image(again, "x").image, decoded.image));
      }
      const auto o = static_cast<std::uint32_t>(orientation);
      Bytes pixels(stored.pixels.datastart, stored.pixels.dataend);
      const TiffPage page{{{256, 4, {7}},
                           {257, 4, {4}},
                           {258, 3, {8, 8, 8}},
                           {259, 3, {1}},
                           {262, 3, {2}},
                           {273, 4, {0}},
                           {274, 3, {o}},
                           {277, 3, {3}},
                           {278, 4, {4}},
                           {279, 4, {84}}},
                          pixels};
      CHECK(same(decode_image(make_tiff({page}, big), "x").image, turned(stored, orientation)));
    }
}

TEST_CASE("EXIF as text in a PNG, as older programs write it: header and pixels agree on the orientation") {
  const Image stored = noise(7, 4, 3, Depth::u8);
  Bytes exif = bytes_of(std::string_view("Exif\0\0", 6));
  put(exif, make_exif(6));
  std::string text = fmt::format("\nexif\n{:8}\n", exif.size());
  for (std::size_t i = 0; i < exif.size(); ++i) text += fmt::format("{:02x}{}", exif[i], i % 36 == 35 ? "\n" : "");
  text += '\n';
  for (const char* keyword : {"Raw profile type exif", "Raw profile type APP1"})
    for (const bool compressed : {false, true}) {
      CAPTURE(keyword);
      Bytes chunk = bytes_of(keyword);
      chunk.push_back(0);
      if (compressed) chunk.push_back(0);
      put(chunk, compressed ? zlib_stored(bytes_of(text)) : bytes_of(text));
      Bytes bytes = encode_image(stored, Format::png, {});
      const Bytes more = png_chunk(compressed ? "zTXt" : "tEXt", chunk);
      bytes.insert(bytes.begin() + 33, more.begin(), more.end());  // behind IHDR
      const DecodedImage decoded = decode_image(bytes, "x");
      const ImageHeader header = read_header(bytes, "x");
      CHECK(header.orientation == (metadata_supported() ? 6 : 1));
      CHECK(same(decoded.image, turned(stored, header.orientation)));
    }
}

TEST_CASE("GeoTIFF's pixels keep their place on the earth when they become more") {
  if (!metadata_supported()) return;
  const auto block = [](const std::vector<double>& scale, const std::vector<double>& points) {
    Bytes out = bytes_of("II");
    put(out, 42, 2, false);
    put(out, 8, 4, false);
    put(out, 2, 2, false);
    std::uint32_t at = 8 + 2 + 2 * 12 + 4;
    Bytes doubles;
    for (const auto& [tag, values] : {std::pair{0x830e, scale}, std::pair{0x8482, points}}) {
      put(out, tag, 2, false);
      put(out, 12, 2, false);
      put(out, values.size(), 4, false);
      put(out, at + doubles.size(), 4, false);
      for (const double value : values) put(doubles, std::bit_cast<std::uint64_t>(value), 8, false);
    }
    put(out, 0, 4, false);
    put(out, doubles);
    return out;
  };
  const auto has = [](const Bytes& exif, std::initializer_list<double> values) {
    Bytes wanted;
    for (const double value : values) put(wanted, std::bit_cast<std::uint64_t>(value), 8, false);
    return contains(exif, wanted);
  };
  // One pixel is 10 x 20 m; pixel (3, 5) lies at the point (500000.125, 4100000.25).
  Metadata metadata;
  metadata.exif = block({10, 20, 0}, {3, 5, 0, 500000.125, 4100000.25, 0});
  scale_metadata(metadata, 4, 2);
  CHECK(has(metadata.exif, {2.5, 10, 0}));
  CHECK(has(metadata.exif, {12, 10, 0, 500000.125, 4100000.25, 0}));
  // And through a file.
  const Metadata read = decode_image(encode_image(noise(9, 7, 5, Depth::u8), Format::tiff, metadata), "x").metadata;
  CHECK(has(read.exif, {2.5, 10, 0}));
}

TEST_CASE("profile, EXIF and XMP travel between all formats that carry them") {
  if (!metadata_supported()) return;
  Metadata metadata;
  metadata.icc = make_icc("RGB ", 700);
  metadata.exif = make_exif(1);
  metadata.xmp = make_xmp();
  for (const Format from : carriers)
    for (const Format to : carriers)
      for (const int channels : {3, 4}) {
        INFO(extension_of(from) << " to " << extension_of(to) << ", " << channels << " channels");
        const Image image = noise(33, 21, channels, Depth::u8);
        const DecodedImage first = decode_image(encode_image(image, from, metadata), "x");
        const DecodedImage second = decode_image(encode_image(first.image, to, first.metadata), "x");
        for (const auto* decoded : {&first, &second}) {
          CHECK(decoded->metadata.icc == metadata.icc);
          CHECK(decoded->metadata.xmp.find("Jane's brush") != std::string::npos);
          CHECK(contains(decoded->metadata.exif, {'A', 'b', 'c', 0}));
        }
        CHECK(second.image.channels() == (from == Format::jpeg || to == Format::jpeg ? 3 : channels));
        if (from != Format::jpeg && to == Format::png && from != Format::webp) CHECK(same(second.image, image));
      }
}

TEST_CASE("sizes told by EXIF and XMP are the picture's own, thumbnails go") {
  if (!metadata_supported()) return;
  Metadata metadata;
  metadata.exif = make_exif(6);
  metadata.xmp = make_xmp();
  for (const Format format : carriers) {
    CAPTURE(extension_of(format));
    const Metadata read = decode_image(encode_image(noise(33, 21, 3, Depth::u8), format, metadata), "x").metadata;
    // exiv2 may store a long as it likes; both dimensions fit either type.
    CHECK(has_long(read.exif, 0xa002, 33));
    CHECK(has_long(read.exif, 0xa003, 21));
    CHECK(read.xmp.find("tiff:ImageWidth=\"33\"") != std::string::npos);
    CHECK(read.xmp.find("tiff:Orientation=\"1\"") != std::string::npos);
    CHECK(read.orientation == 1);
  }
}

TEST_CASE("profiles larger than one JPEG segment") {
  if (!metadata_supported()) return;
  Metadata metadata;
  metadata.icc = make_icc("RGB ", 200001);
  for (const Format format : carriers)
    CHECK(decode_image(encode_image(noise(9, 9, 3, Depth::u8), format, metadata), "x").metadata.icc == metadata.icc);
}

TEST_CASE("a profile of another colour space is dropped") {
  if (!metadata_supported()) return;
  Metadata metadata;
  const auto carried = [&](int channels, Format format) {
    return !decode_image(encode_image(noise(9, 9, channels, Depth::u8), format, metadata), "x").metadata.icc.empty();
  };
  metadata.icc = make_icc("GRAY", 400);
  CHECK(carried(1, Format::png));
  CHECK(carried(2, Format::png));
  CHECK_FALSE(carried(3, Format::png));
  CHECK_FALSE(carried(1, Format::webp));  // WebP knows RGB only
  metadata.icc = make_icc("RGB ", 400);
  CHECK_FALSE(carried(1, Format::jpeg));
  CHECK(carried(4, Format::tiff));
  metadata.icc = {1, 2, 3};
  CHECK_FALSE(carried(3, Format::png));
}

TEST_CASE("damaged metadata never fail a picture") {
  const Image image = noise(9, 9, 3, Depth::u8);
  for (const Format format : {Format::png, Format::jpeg, Format::webp}) {
    const Bytes plain = encode_image(image, format, {});
    const Bytes exif = make_exif(6);
    for (std::size_t length = 2; length < exif.size(); length += 3) {
      const Bytes cut(exif.begin(), exif.begin() + length);
      CHECK_NOTHROW(decode_image(with_exif(plain, format, cut, 9, 9), "x"));
    }
    Bytes noisy = exif;
    for (std::size_t i = 8; i < noisy.size(); i += 5) noisy[i] ^= 0x5a;
    CHECK_NOTHROW(decode_image(with_exif(plain, format, noisy, 9, 9), "x"));
  }
  Metadata metadata;
  metadata.exif = bytes_of("no EXIF at all");
  metadata.xmp = "<not xml";
  CHECK_NOTHROW(decode_image(encode_image(image, Format::jpeg, metadata), "x"));
  CHECK_NOTHROW(reset_orientation(metadata));
}

TEST_CASE("formats without metadata drop them") {
  Metadata metadata;
  metadata.icc = make_icc("RGB ", 700);
  metadata.exif = make_exif(1);
  const Image image = noise(9, 9, 3, Depth::u8);
  for (const FormatName& row : format_names) {
    CAPTURE(row.name);
    const bool carries = std::find(std::begin(carriers), std::end(carriers), row.format) != std::end(carriers);
    CHECK(capacity_of(row.format).metadata == carries);
    if (carries) continue;
    const DecodedImage decoded = decode_image(encode_image(image, row.format, metadata), "x");
    CHECK(same(decoded.image, image));
    CHECK(decoded.metadata.icc.empty());
    CHECK(decoded.metadata.exif.empty());
  }
}
