// Metadata block by block: what each format holds, what is damaged, what goes stale.
#include <cmath>
#include <numeric>

#include "ganvas/metadata/strip.hpp"
#include "pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

constexpr Format all_formats[] = {Format::png, Format::jpeg, Format::webp, Format::tiff, Format::bmp, Format::pnm};

bool contains(const Bytes& bytes, const Bytes& part) {
  return std::search(bytes.begin(), bytes.end(), part.begin(), part.end()) != bytes.end();
}
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string joined(const std::vector<std::string>& lines) {
  return std::accumulate(lines.begin(), lines.end(), std::string(),
                         [](const std::string& all, const std::string& line) { return all + line + "; "; });
}

Image picture() { return gradient(24, 16, 3, Depth::u8); }

Bytes make_icc() {
  Bytes icc(400, 7);
  std::copy_n("RGB XYZ ", 8, icc.begin() + 16);
  return icc;
}

std::string make_xmp(const std::string& properties, const std::string& spaces = "") {
  return "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">"
         "<rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" "
         "xmlns:dc=\"http://purl.org/dc/elements/1.1/\" " +
         spaces + " xmp:CreatorTool=\"brush\">" + properties + "</rdf:Description></rdf:RDF></x:xmpmeta>";
}

Bytes text_chunk(std::string_view type, std::string_view data) { return png_chunk(type, bytes_of(data)); }

/// A PNG of one chunk more, behind IHDR.
Bytes with_chunk(const Metadata& metadata, const Bytes& chunk) {
  Bytes bytes = encode_image(picture(), Format::png, metadata);
  bytes.insert(bytes.begin() + 33, chunk.begin(), chunk.end());
  return bytes;
}

/// A JPEG of one segment more, behind JFIF.
Bytes with_segment(const Metadata& metadata, int marker, const Bytes& data) {
  Bytes bytes = encode_image(picture(), Format::jpeg, metadata), segment;
  put(segment, 0xff00U | static_cast<unsigned>(marker), 2, true);
  put(segment, data.size() + 2, 2, true);
  put(segment, data);
  bytes.insert(bytes.begin() + 20, segment.begin(), segment.end());
  return bytes;
}

/// Decoded and written again.
struct Carried {
  Metadata metadata;
  Bytes bytes;
  std::string dropped;
};
Carried carry(const Bytes& from, Format to) {
  DecodedImage decoded = decode_image(from, "x");
  std::vector<std::string> dropped = decoded.metadata.dropped;
  Bytes bytes = encode_image(decoded.image, to, decoded.metadata, {}, &dropped);
  return {decode_image(bytes, "y").metadata, bytes, joined(dropped)};
}

Bytes make_iptc() {
  Bytes iptc;
  for (const auto& [number, text] : {std::pair{5, "A title"}, std::pair{25, "keyword"}}) {
    put(iptc, Bytes{0x1c, 2, static_cast<std::uint8_t>(number)});
    put(iptc, std::string_view(text).size(), 2, true);
    put(iptc, bytes_of(text));
  }
  return iptc;
}

bool near(double a, double b) { return std::abs(a - b) < 0.01 * b; }

}  // namespace

TEST_CASE("resolution: every format that can say it does, from every other") {
  Metadata metadata;
  metadata.resolution = {300, 150, Resolution::Unit::inch};
  const auto bytes = [&](Format format) { return encode_image(picture(), format, metadata); };
  // By the formats' own words.
  CHECK(contains(bytes(Format::jpeg), {'J', 'F', 'I', 'F', 0, 1, 1, 1, 1, 44, 0, 150}));
  CHECK(contains(bytes(Format::png), png_chunk("pHYs", {0, 0, 0x2e, 0x23, 0, 0, 0x17, 0x12, 1})));
  const Bytes bmp = bytes(Format::bmp);
  CHECK(Bytes(bmp.begin() + 38, bmp.begin() + 46) == Bytes{0x23, 0x2e, 0, 0, 0x12, 0x17, 0, 0});
  CHECK(contains(bytes(Format::tiff), {0x28, 1, 3, 0, 1, 0, 0, 0, 2, 0, 0, 0}));
  CHECK(contains(bytes(Format::tiff), {44, 1, 0, 0, 1, 0, 0, 0}));  // 300/1
  for (const Format from : all_formats)
    for (const Format to : all_formats) {
      const bool possible = from != Format::pnm && to != Format::pnm && (from != Format::webp || metadata_supported());
      INFO(extension_of(from) << " to " << extension_of(to));
      const Resolution read = carry(bytes(from), to).metadata.resolution.in_inches();
      if (to == Format::webp && !metadata_supported()) continue;
      if (!possible) continue;
      CHECK(near(read.across, 300));
      CHECK(near(read.down, 150));
      CHECK(read.unit == Resolution::Unit::inch);
    }
}

TEST_CASE("resolution: EXIF's reaches formats with a field of their own, proportions stay proportions") {
  Metadata metadata;
  metadata.resolution = {100, 200, Resolution::Unit::unknown};
  for (const Format format : {Format::png, Format::jpeg, Format::tiff}) {
    CAPTURE(extension_of(format));
    const Resolution read = decode_image(encode_image(picture(), format, metadata), "x").metadata.resolution;
    CHECK(read.unit == Resolution::Unit::unknown);
    CHECK(near(read.down / read.across, 2));
  }
  // 72 and a half pixels per centimetre, which only EXIF says: type 5 has two longs.
  Bytes exif = bytes_of(std::string_view("MM\0*\0\0\0\x08\0\3", 10));
  for (const auto& [tag, value] : {std::pair{0x011a, 50}, std::pair{0x011b, 50}}) {
    put(exif, tag, 2, true);
    put(exif, 5, 2, true);
    put(exif, 1, 4, true);
    put(exif, value, 4, true);
  }
  put(exif, Bytes{0x01, 0x28, 0, 3, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 0});
  put(exif, 145, 4, true);
  put(exif, 2, 4, true);
  const Bytes jpeg = with_exif(encode_image(picture(), Format::jpeg, {}), Format::jpeg, exif, 24, 16);
  for (const Format format : {Format::png, Format::jpeg, Format::tiff, Format::bmp}) {
    CAPTURE(extension_of(format));
    CHECK(near(carry(jpeg, format).metadata.resolution.in_inches().across, 72.5 * 2.54));
  }
}

TEST_CASE("one damaged block costs no other, and is named") {
  Metadata metadata;
  metadata.icc = make_icc();
  Bytes bad_sum = text_chunk("tEXt", std::string_view("Title\0a cat", 11));
  bad_sum.back() ^= 1;
  const Bytes chunks[] = {
      png_chunk("eXIf", bytes_of(std::string_view("II*\0\xff\xff\xff\x7fjunkjunkjunk", 20))),
      png_chunk("eXIf", bytes_of("no EXIF at all")),
      text_chunk("iTXt", std::string_view("XML:com.adobe.xmp\0", 18)),
      text_chunk("iTXt", std::string_view("XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta", 32)),
      text_chunk("tEXt", "noterminator"),
      text_chunk("zTXt", std::string_view("prompt\0\0not zlib", 16)),
      text_chunk("tEXt", std::string_view("Raw profile type iptc\0\niptc\n  9\nxyz", 35)),
      png_chunk("pHYs", {1, 2, 3}),
      png_chunk("gAMA", {}),
      bad_sum,
  };
  for (const Bytes& chunk : chunks) {
    CAPTURE(std::string(chunk.begin() + 4, chunk.end() - 4));
    const Carried carried = carry(with_chunk(metadata, chunk), Format::png);
    CHECK(carried.metadata.icc == metadata.icc);
    if (metadata_supported()) CHECK(contains(carried.dropped, "damaged"));
  }
  const Bytes exif = bytes_of(std::string_view("Exif\0\0II*\0junk", 14)),
              xmp = bytes_of(std::string_view("http://ns.adobe.com/xap/1.0/\0<broken", 36));
  for (const Bytes& segment : {exif, xmp}) {
    const Carried carried = carry(with_segment(metadata, 0xe1, segment), Format::png);
    CHECK(carried.metadata.icc == metadata.icc);
    if (metadata_supported()) CHECK(contains(carried.dropped, "damaged"));
  }
  // A profile of which one piece is missing.
  metadata.icc.resize(100000, 9);
  Bytes jpeg = encode_image(picture(), Format::jpeg, metadata);
  const Bytes second{'I', 'C', 'C', '_', 'P', 'R', 'O', 'F', 'I', 'L', 'E', 0, 2, 2};
  *std::search(jpeg.begin(), jpeg.end(), second.begin(), second.end()) = 'X';
  const Metadata read = decode_image(jpeg, "x").metadata;
  CHECK(read.icc.empty());
  CHECK(contains(joined(read.dropped), "ICC"));
  CHECK(decode_image(encode_image(picture(), Format::png, {}), "x").metadata.dropped.empty());
}

TEST_CASE("PNG's texts and colours: as they are into PNG, named where another format can't hold them") {
  const Bytes chunks[] = {
      text_chunk("tEXt", std::string_view("parameters\0a cat, masterpiece\nSteps: 20", 39)),
      text_chunk("tEXt", std::string_view("Title\0\xe9t\xe9", 9)),
      text_chunk("iTXt", std::string_view("workflow\0\0\0de\0Ablauf\0{\"n\": \"\xc3\xa9\"}", 32)),
      png_chunk("gAMA", {0, 1, 0x86, 0xa0}),
      png_chunk("cHRM", Bytes(32, 1)),
      png_chunk("cICP", {9, 16, 0, 1}),
  };
  Bytes compressed = bytes_of(std::string_view("prompt\0\0", 8));
  put(compressed, zlib_stored(bytes_of("{\"3\": 1}")));
  Bytes all = png_chunk("zTXt", compressed);
  for (const Bytes& chunk : chunks) put(all, chunk);
  const Bytes bytes = with_chunk({}, all);
  const Carried kept = carry(bytes, Format::png);
  CHECK(contains(kept.bytes, png_chunk("zTXt", compressed)));
  for (const Bytes& chunk : chunks) CHECK(contains(kept.bytes, chunk));
  CHECK(kept.dropped.empty());
  for (const Format format : {Format::jpeg, Format::webp, Format::tiff, Format::bmp, Format::pnm}) {
    CAPTURE(extension_of(format));
    const std::string dropped = carry(bytes, format).dropped;
    for (const char* name : {"parameters", "Title", "workflow", "prompt", "gAMA", "cHRM", "cICP"})
      CHECK(contains(dropped, name));
  }
  // What says that the colours are sRGB says nothing new.
  Bytes standard = png_chunk("sRGB", {0});
  put(standard, png_chunk("gAMA", {0, 0, 0xb1, 0x8f}));
  CHECK(carry(with_chunk({}, standard), Format::jpeg).dropped.empty());
  CHECK(contains(carry(with_chunk({}, standard), Format::png).bytes, standard));
}

TEST_CASE("PNG's colours become a profile in formats that know only those") {
  const auto number = [](const Bytes& icc, const char* tag, std::size_t index) {
    const Bytes name = bytes_of(tag);
    const auto entry = std::search(icc.begin() + 132, icc.end(), name.begin(), name.end());
    REQUIRE(entry != icc.end());
    const auto read = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 4; ++i) value = value << 8 | icc.at(at + i);
      return value;
    };
    const std::size_t at = read(static_cast<std::size_t>(entry - icc.begin()) + 4) + 8 + 4 * index;
    return static_cast<std::int32_t>(read(at)) / 65536.0;
  };
  // Published colourants of sRGB and of Display P3, adapted to D50.
  const double srgb[3][3] = {{0.4361, 0.2225, 0.0139}, {0.3851, 0.7169, 0.0971}, {0.1431, 0.0606, 0.7141}},
               p3[3][3] = {{0.5151, 0.2412, -0.0011}, {0.2919, 0.6922, 0.0419}, {0.1572, 0.0666, 0.7841}};
  const char* const tags[] = {"rXYZ", "gXYZ", "bXYZ"};
  const Bytes linear = png_chunk("gAMA", {0, 1, 0x86, 0xa0}), codes = png_chunk("cICP", {12, 13, 0, 1});
  for (const Format format : {Format::jpeg, Format::webp, Format::tiff}) {
    CAPTURE(extension_of(format));
    const Carried gamma = carry(with_chunk({}, linear), format), display = carry(with_chunk({}, codes), format);
    for (const Carried* carried : {&gamma, &display}) {
      CHECK(carried->dropped.empty());
      for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t k = 0; k < 3; ++k)
          CHECK(std::abs(number(carried->metadata.icc, tags[i], k) - (carried == &gamma ? srgb : p3)[i][k]) < 0.001);
    }
    CHECK(contains(gamma.metadata.icc, {'c', 'u', 'r', 'v', 0, 0, 0, 0, 0, 0, 0, 1, 1, 0}));  // light itself
  }
  Bytes gray = encode_image(gradient(8, 8, 1, Depth::u8), Format::png, {});
  gray.insert(gray.begin() + 33, linear.begin(), linear.end());
  CHECK(contains(carry(gray, Format::jpeg).metadata.icc, bytes_of("GRAYXYZ ")));
  // A profile outranks them; they go without a word.
  Metadata profile;
  profile.icc = make_icc();
  const Carried kept = carry(with_chunk(profile, linear), Format::jpeg);
  CHECK(kept.metadata.icc == profile.icc);
  CHECK(kept.dropped.empty());
}

TEST_CASE("IPTC and comments travel") {
  Metadata metadata;
  metadata.iptc = make_iptc();
  metadata.comments = {"a comment", "h\xc3\xa9llo"};
  for (const Format from : {Format::png, Format::jpeg, Format::tiff})
    for (const Format to : {Format::png, Format::jpeg, Format::tiff}) {
      INFO(extension_of(from) << " to " << extension_of(to));
      CHECK(carry(encode_image(picture(), from, metadata), to).metadata.iptc == metadata.iptc);
    }
  const Bytes jpeg = encode_image(picture(), Format::jpeg, metadata);
  CHECK(contains(jpeg, {0xff, 0xfe, 0, 11, 'a', ' ', 'c', 'o', 'm', 'm', 'e', 'n', 't'}));
  CHECK(carry(jpeg, Format::jpeg).metadata.comments == metadata.comments);
  const Carried png = carry(jpeg, Format::png);
  CHECK(contains(png.bytes, text_chunk("iTXt", std::string_view("Comment\0\0\0\0\0a comment", 21))));
  CHECK(carry(png.bytes, Format::jpeg).metadata.comments == metadata.comments);
  CHECK(contains(carry(jpeg, Format::webp).dropped, "IPTC"));
  CHECK(contains(carry(jpeg, Format::webp).dropped, "comment"));
  CHECK(contains(carry(jpeg, Format::tiff).dropped, "comment"));
  CHECK(contains(carry(jpeg, Format::bmp).dropped, "IPTC"));
}

TEST_CASE("XMP on other data of the file goes: gain maps, motion photos, depth") {
  if (!metadata_supported()) return;
  Metadata metadata;
  metadata.xmp = make_xmp(
      "<Container:Directory xmlns:Container=\"http://ns.google.com/photos/1.0/container/\" "
      "xmlns:Item=\"http://ns.google.com/photos/1.0/container/item/\"><rdf:Seq><rdf:li rdf:parseType=\"Resource\">"
      "<Container:Item Item:Semantic=\"GainMap\" Item:Length=\"566\"/></rdf:li></rdf:Seq></Container:Directory>",
      "xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" hdrgm:Version=\"1.0\" "
      "xmlns:GCamera=\"http://ns.google.com/photos/1.0/camera/\" GCamera:MotionPhoto=\"1\" "
      "GCamera:MicroVideoOffset=\"5000\" GCamera:SpecialTypeID=\"kept\" "
      "xmlns:GDepth=\"http://ns.google.com/photos/1.0/depthmap/\" GDepth:Near=\"1\"");
  const Bytes jpeg = encode_image(picture(), Format::jpeg, metadata);
  const Carried carried = carry(jpeg, Format::jpeg);
  for (const char* gone : {"hdrgm", "MotionPhoto", "MicroVideo", "Container", "GDepth"}) {
    CAPTURE(gone);
    CHECK_FALSE(contains(carried.metadata.xmp, gone));
  }
  CHECK(contains(carried.metadata.xmp, "brush"));
  CHECK(contains(carried.metadata.xmp, "SpecialTypeID"));
  for (const char* named : {"gain map", "video", "depth"}) CHECK(contains(carried.dropped, named));
}

TEST_CASE("XMP larger than a JPEG segment") {
  if (!metadata_supported()) return;
  std::string subjects;
  for (int i = 0; i < 3000; ++i) subjects += "<rdf:li>subject number " + std::to_string(i) + "</rdf:li>";
  Metadata metadata;
  metadata.xmp = make_xmp("<dc:subject><rdf:Bag>" + subjects + "</rdf:Bag></dc:subject>");
  REQUIRE(metadata.xmp.size() > 65533);
  const Bytes png = encode_image(picture(), Format::png, metadata);
  const Carried carried = carry(png, Format::jpeg);
  CHECK(carried.dropped.empty());
  CHECK(contains(carried.bytes, bytes_of("http://ns.adobe.com/xmp/extension/")));
  CHECK(contains(carried.metadata.xmp, "subject number 2999<"));
  CHECK(contains(carried.metadata.xmp, "brush"));
  CHECK_FALSE(contains(carried.metadata.xmp, "HasExtendedXMP"));
  CHECK(contains(carry(carried.bytes, Format::tiff).metadata.xmp, "subject number 0<"));
  // White space alone isn't worth that.
  metadata.xmp = make_xmp("") + std::string(70000, ' ');
  const Carried padded = carry(encode_image(picture(), Format::png, metadata), Format::jpeg);
  CHECK(contains(padded.metadata.xmp, "brush"));
  CHECK_FALSE(contains(padded.bytes, bytes_of("http://ns.adobe.com/xmp/extension/")));
}

TEST_CASE("TIFF: nothing that is carried changes what the picture is") {
  if (!metadata_supported()) return;
  for (const bool big : {false, true}) {
    // Width, height, bits, compression, photometric, strips, planes, orientation twice, a DNG's version; and a maker.
    Bytes exif = bytes_of(big ? "MM" : "II");
    put(exif, 42, 2, big);
    put(exif, 8, 4, big);
    const std::pair<int, int> tags[] = {{0x0100, 3}, {0x0101, 5},  {0x0102, 1}, {0x0103, 5}, {0x0106, 0},
                                        {0x0111, 8}, {0x0112, 1},  {0x0112, 6}, {0x0115, 1}, {0x0117, 3},
                                        {0x011c, 2}, {0x0142, 16}, {0x014a, 8}, {0x0152, 1}, {0x0153, 3},
                                        {0x80e3, 1}, {0x8649, 5},  {0x935c, 7}, {0xc612, 1}, {0xf123, 42}};
    put(exif, std::size(tags), 2, big);
    for (const auto& [tag, value] : tags) {
      put(exif, tag, 2, big);
      put(exif, 3, 2, big);
      put(exif, 1, 4, big);
      put(exif, value, 2, big);
      put(exif, 0, 2, big);
    }
    put(exif, 0, 4, big);
    Metadata metadata;
    metadata.exif = exif;
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
      for (const int channels : {1, 4, 7}) {
        const Image image = noise(21, 17, channels, depth);
        const Bytes bytes = encode_image(image, Format::tiff, metadata);
        const DecodedImage decoded = decode_image(bytes, "x");
        CHECK(same(decoded.image, image));
        CHECK(read_header(bytes, "x").orientation == 1);
        // Once more, as a run over its own results.
        CHECK(same(decode_image(encode_image(decoded.image, Format::tiff, decoded.metadata), "x").image, image));
      }
  }
}

TEST_CASE("TIFF: resolution, profile and texts of BigTIFF, and Photoshop's layers go") {
  // A BigTIFF by hand: one strip of 3 x 2 gray pixels, a description, a profile, GeoTIFF's size of a pixel.
  const auto entry = [](Bytes& out, int tag, int type, const Bytes& data, std::size_t count, Bytes& values,
                        std::size_t base) {
    put(out, tag, 2, false);
    put(out, type, 2, false);
    put(out, count, 8, false);
    if (data.size() > 8) {
      put(out, base + values.size(), 8, false);
      put(values, data);
    } else {
      Bytes inline_data = data;
      inline_data.resize(8);
      put(out, inline_data);
    }
  };
  const auto number = [](std::uint64_t value, int count) {
    Bytes out;
    put(out, value, count, false);
    return out;
  };
  Metadata metadata;
  metadata.icc = Bytes(200, 3);
  std::copy_n("GRAYXYZ ", 8, metadata.icc.begin() + 16);
  const Bytes description = bytes_of(std::string_view("a description\0", 14)), pixels{1, 2, 3, 4, 5, 6};
  Bytes scale, rational = number(300, 4);
  put(rational, 1, 4, false);
  for (const std::uint64_t bits : {0x4024000000000000ULL, 0x4034000000000000ULL, 0ULL})
    put(scale, bits, 8, false);  // 10, 20, 0
  constexpr std::size_t entries = 16, base = 16 + 8 + 8 + 20 * entries + 8;
  Bytes list, values, file = bytes_of(std::string_view("II+\0\x08\0\0\0", 8));
  entry(list, 256, 3, number(3, 2), 1, values, base);
  entry(list, 257, 3, number(2, 2), 1, values, base);
  entry(list, 258, 3, number(8, 2), 1, values, base);
  entry(list, 259, 3, number(1, 2), 1, values, base);
  entry(list, 262, 3, number(1, 2), 1, values, base);
  entry(list, 270, 2, description, description.size(), values, base);
  entry(list, 273, 16, number(16, 8), 1, values, base);
  entry(list, 277, 3, number(1, 2), 1, values, base);
  entry(list, 278, 3, number(2, 2), 1, values, base);
  entry(list, 279, 16, number(6, 8), 1, values, base);
  entry(list, 282, 5, rational, 1, values, base);
  entry(list, 283, 5, rational, 1, values, base);
  entry(list, 296, 3, number(2, 2), 1, values, base);
  entry(list, 33550, 12, scale, 3, values, base);
  entry(list, 34675, 7, metadata.icc, metadata.icc.size(), values, base);
  entry(list, 37724, 7, Bytes(30, 1), 30, values, base);
  put(file, 24, 8, false);
  put(file, pixels);
  file.resize(24);
  put(file, entries, 8, false);
  put(file, list);
  put(file, 0, 8, false);
  file.resize(base);
  put(file, values);
  const DecodedImage decoded = decode_image(file, "x");
  REQUIRE(decoded.image.width() == 3);
  CHECK(decoded.metadata.icc == metadata.icc);
  CHECK(near(decoded.metadata.resolution.across, 300));
  CHECK(contains(joined(decoded.metadata.dropped), "Photoshop"));
  const Carried carried = carry(file, Format::tiff);
  CHECK(carried.metadata.icc == metadata.icc);
  CHECK(near(carried.metadata.resolution.across, 300));
  if (!metadata_supported()) return;
  CHECK(contains(carried.metadata.exif, description));
  CHECK(contains(carried.metadata.exif, scale));
  CHECK_FALSE(contains(carried.bytes, Bytes{0x5c, 0x93}));
}

TEST_CASE("what counts pixels grows with them") {
  if (!metadata_supported()) return;
  Metadata metadata;
  metadata.xmp = make_xmp("",
                          "xmlns:GPano=\"http://ns.google.com/photos/1.0/panorama/\" "
                          "GPano:FullPanoWidthPixels=\"4000\" GPano:CroppedAreaTopPixels=\"100\" "
                          "GPano:ProjectionType=\"equirectangular\"");
  metadata.resolution = {300, 300, Resolution::Unit::inch};
  scale_metadata(metadata, 4, 2);
  CHECK(contains(metadata.xmp, "FullPanoWidthPixels=\"16000\""));
  CHECK(contains(metadata.xmp, "CroppedAreaTopPixels=\"200\""));
  CHECK(contains(metadata.xmp, "equirectangular"));
  CHECK(metadata.resolution.across == 300);
}

TEST_CASE("stripping: where it was taken, all, all but the colours") {
  // A block whose GPS directory says 'N' (tag 1), and a maker.
  Bytes exif = bytes_of(std::string_view("II*\0\x08\0\0\0\x02\0", 10));
  put(exif, bytes_of(std::string_view("\x0f\x01\x02\0\x04\0\0\0Abc\0", 12)));
  put(exif, bytes_of(std::string_view("\x25\x88\x04\0\x01\0\0\0\x26\0\0\0\0\0\0\0", 16)));
  const Bytes position = bytes_of(std::string_view("\x01\0\x02\0\x02\0\0\0N\0\0\0", 12));
  put(exif, {1, 0});
  put(exif, position);
  put(exif, 0, 4, false);
  Metadata metadata;
  metadata.exif = exif;
  metadata.xmp = make_xmp("", "xmlns:exif=\"http://ns.adobe.com/exif/1.0/\" exif:GPSLatitude=\"52,31.0N\"");
  metadata.icc = make_icc();
  metadata.comments = {"a comment"};
  metadata.png = {{"gAMA", {0, 0, 1, 1}}, {"tEXt", bytes_of(std::string_view("Title\0x", 7))}};
  REQUIRE(contains(carry(encode_image(picture(), Format::png, metadata), Format::png).metadata.exif, position) ==
          metadata_supported());
  Metadata without = metadata;
  strip(without, Strip::gps);
  CHECK(without.icc == metadata.icc);
  CHECK(without.comments == metadata.comments);
  if (metadata_supported()) {
    CHECK_FALSE(contains(without.exif, position));
    CHECK(contains(without.exif, bytes_of("Abc")));
    CHECK_FALSE(contains(without.xmp, "GPS"));
    CHECK(contains(without.xmp, "brush"));
  }
  Metadata nothing = metadata, colours = metadata;
  strip(nothing, Strip::all);
  CHECK(nothing.empty());
  strip(colours, Strip::all_but_colours);
  CHECK(colours.icc == metadata.icc);
  REQUIRE(colours.png.size() == 1);
  CHECK(colours.png[0].type == "gAMA");
  colours.icc.clear();
  colours.png.clear();
  CHECK(colours.empty());
}

TEST_CASE("the public reports' files") {
  const auto cases = shared_folder() / "cases/upscale";
  SKIP_WITHOUT(cases);
  const auto read = [&](const char* name) { return read_file(cases / name); };
  for (const char* name :
       {"08-damaged-metadata-loses-icc/badexif_icc.png", "08-damaged-metadata-loses-icc/badtext_icc.png",
        "08-damaged-metadata-loses-icc/notext_icc.png", "09-bigtiff-loses-metadata/big.tif"}) {
    CAPTURE(name);
    for (const Format format : {Format::png, Format::jpeg, Format::webp, Format::tiff})
      CHECK_FALSE(carry(read(name), format).metadata.icc.empty());
  }
  for (const char* name : {"06-tiff-resolution-lost/dpi300.tif", "06-tiff-resolution-lost/exifdpi.jpg",
                           "07-dpi-lost-jpeg-png-bmp/bmp300.bmp", "07-dpi-lost-jpeg-png-bmp/jfif300.jpg",
                           "07-dpi-lost-jpeg-png-bmp/phys300.png"}) {
    CAPTURE(name);
    for (const Format format : {Format::png, Format::jpeg, Format::tiff, Format::bmp})
      CHECK(near(carry(read(name), format).metadata.resolution.in_inches().across, 300));
  }
  CHECK_FALSE(carry(read("12-iptc-and-comment-lost/iptc.jpg"), Format::jpeg).metadata.iptc.empty());
  CHECK_FALSE(carry(read("12-iptc-and-comment-lost/comment.jpg"), Format::jpeg).metadata.comments.empty());
  CHECK_FALSE(contains(carry(read("13-stale-gainmap-and-motion/ultrahdr.jpg"), Format::jpeg).metadata.xmp, "GainMap"));
  CHECK_FALSE(
      contains(carry(read("13-stale-gainmap-and-motion/motion.jpg"), Format::jpeg).metadata.xmp, "MotionPhoto"));
  CHECK(carry(read("10-png-text-lost/sd.png"), Format::png).metadata.png.size() == 4);
  CHECK_FALSE(contains(carry(read("05-photoshop-layers-tag/layers.tif"), Format::tiff).bytes, Bytes{0x5c, 0x93, 7, 0}));
  if (metadata_supported())
    CHECK(contains(carry(read("26-large-xmp-dropped/hugexmp.png"), Format::jpeg).metadata.xmp, "subject"));
  const auto twice = shared_folder() / "cases/reliability/15-tiff-own-output-other-size/c.tif";
  SKIP_WITHOUT(twice);
  const DecodedImage decoded = decode_image(read_file(twice), "x");
  const Bytes again = encode_image(decoded.image, Format::tiff, decoded.metadata);
  CHECK(same(decode_image(again, "y").image, decoded.image));
  CHECK(read_header(again, "y").orientation == 1);
}

TEST_CASE("EXIF directories that point to themselves or to one another end") {
  TiffPage page{{{256, 4, {2}},
                 {257, 4, {1}},
                 {258, 3, {8}},
                 {259, 3, {1}},
                 {262, 3, {1}},
                 {273, 4, {0}},
                 {277, 3, {1}},
                 {278, 4, {1}},
                 {279, 4, {2}},
                 {0x8769, 4, {8}},
                 {0x8825, 4, {8}}},
                {10, 20}};
  Bytes bytes = make_tiff({page});
  const std::size_t directory = bytes[4] | bytes[5] << 8;
  for (const std::size_t entry : {9, 10})  // EXIF's and GPS's
    for (std::size_t i = 0; i < 4; ++i) bytes[directory + 2 + 12 * entry + 8 + i] = bytes[4 + i];
  const DecodedImage decoded = decode_image(bytes, "x");
  CHECK(decoded.image.width() == 2);
  for (const FormatName& row : format_names)
    CHECK(decode_image(encode_image(decoded.image, row.format, decoded.metadata), "own").image.width() == 2);
}
