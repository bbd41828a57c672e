#include <fcntl.h>
#include <unistd.h>

#include "ganvas/core/log.hpp"
#include "pictures.hpp"
#include "support/stderr_capture.hpp"

using namespace ganvas;
using namespace ganvas::test;

TEST_CASE("a file cut at any length is refused with one line and in silence") {
  set_log_level(LogLevel::error);  // a missing end alone is worth a warning
  for (const auto& [format, name, label, extension, gray, extensions] : format_names)
    for (const int channels : {1, 3, 4}) {
      if (!can_hold(format, Depth::u8, channels)) continue;
      const Bytes whole = encode_image(noise(40, 30, channels, Depth::u8), format, {});
      StderrCapture capture;
      std::vector<std::size_t> accepted;
      for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 150) {
        const std::string message = decode_error(Bytes(whole.begin(), whole.begin() + length));
        if (message.empty()) accepted.push_back(length);
      }
      for (std::size_t less = 1; less <= 3; ++less)
        if (decode_error(Bytes(whole.begin(), whole.end() - less)).empty()) accepted.push_back(whole.size() - less);
      CHECK(capture.finish().empty());
      INFO(extension_of(format) << " " << channels << " of " << whole.size());
      for (const std::size_t length : accepted) {
        CAPTURE(length);
        // Behind the pixels stand the pointer to a TIFF's next page, the padding of a BMP's last row, the end mark of
        // a JPEG, check sums and end mark of a PNG: without them nothing of the picture is missing.
        CHECK((format == Format::bmp || format == Format::tiff || format == Format::jpeg || format == Format::png));
        CHECK(whole.size() - length <= (format == Format::png ? 12 + 16 + 4 : format == Format::jpeg ? 2 : 4));
        CHECK(same(decode_image(Bytes(whole.begin(), whole.begin() + length), "x").image,
                   decode_image(whole, "x").image));
      }
    }
  set_log_level(LogLevel::info);
}

TEST_CASE("flipped bytes never crash") {
  cv::RNG random(7);
  for (const auto& [format, name, label, extension, gray, extensions] : format_names) {
    const Bytes whole = encode_image(noise(24, 18, 3, Depth::u8), format, {});
    StderrCapture capture;
    for (int round = 0; round < 300; ++round) {
      Bytes bytes = whole;
      for (int flips = random.uniform(1, 6); flips > 0; --flips) {
        // Mostly in the header, where the harm is done.
        const int reach = random.uniform(0, 2) ? static_cast<int>(bytes.size()) : std::min<int>(120, bytes.size());
        bytes[random.uniform(0, reach)] = static_cast<std::uint8_t>(random.uniform(0, 256));
      }
      decode_error(bytes, {.max_pixels = 1 << 22});
    }
    CHECK(capture.finish().empty());
  }
}

TEST_CASE("no picture at all") {
  CHECK(decode_error({}).find("is empty") != std::string::npos);
  CHECK(decode_error(bytes_of("just a text named .png\n")).find("no picture of a supported format") !=
        std::string::npos);
  CHECK(decode_error(bytes_of("8BPS....")).find("Photoshop") != std::string::npos);
  for (const auto& [format, name, label, extension, gray, extensions] : format_names) {
    const Bytes whole = encode_image(noise(8, 8, 3, Depth::u8), format, {});
    Bytes garbage(whole.begin(), whole.begin() + std::min<std::size_t>(whole.size(), 26));
    garbage.resize(2000, 0xa5);
    if (format != Format::pnm && format != Format::bmp) CHECK_FALSE(decode_error(garbage).empty());
    else decode_error(garbage);
  }
}

TEST_CASE("too many pixels are refused from the header") {
  for (const auto& [format, name, label, extension, gray, extensions] : format_names) {
    const Bytes bytes = encode_image(noise(40, 30, 3, Depth::u8), format, {});
    CHECK(decode_error(bytes, {.max_pixels = 1199}).find("40 x 30") != std::string::npos);
    CHECK(decode_error(bytes, {.max_pixels = 1200}).empty());
  }
  // Nothing but headers: believing them would take terabytes.
  CHECK(decode_error(make_png(2000000000, 2000000000, 8, 6, {0})).find("2000000000 x") != std::string::npos);
  CHECK_FALSE(decode_error(bytes_of("P6 2000000000 2000000000 255\n")).empty());
  CHECK_FALSE(decode_error(make_tiff({{{{256, 4, {0xfffffff0}}, {257, 4, {0xfffffff0}}}, {}}})).empty());
  CHECK_FALSE(decode_error(bytes_of("P5 32768 32768 255\nx")).empty());
}

TEST_CASE("a few bytes that claim gigantic tiles, strips or samples are refused before the memory is taken") {
  const auto tiff = [](std::uint32_t side, std::uint32_t tile, int photometric) {
    std::vector<TiffTag> tags{{256, 4, {side}}, {257, 4, {side}}, {258, 3, {8}}, {259, 3, {1}}};
    tags.push_back({262, 3, {static_cast<std::uint32_t>(photometric)}});
    tags.push_back({277, 3, {1}});
    if (photometric == 3) tags.push_back({320, 3, std::vector<std::uint32_t>(768, 0)});
    for (const auto& [tag, value] : {std::pair{322, tile}, {323, tile}, {324, 0U}, {325, 256U}})
      tags.push_back({tag, 4, {value}});
    return make_tiff({{tags, Bytes(300)}});
  };
  for (const int photometric : {1, 3})
    for (const std::uint32_t tile : {65536U, 131072U})
      CHECK(decode_error(tiff(16, tile, photometric)).find("for a picture of 16x16") != std::string::npos);
  CHECK(decode_error(tiff(16, 1024, 1)).find("for a picture") == std::string::npos);
  const TiffPage samples{{{256, 4, {10000}},
                          {257, 4, {10}},
                          {258, 3, {8}},
                          {259, 3, {1}},
                          {262, 3, {1}},
                          {273, 4, {0}},
                          {277, 3, {65535}},
                          {278, 4, {10}},
                          {279, 4, {256}},
                          {338, 3, {2}}},
                         Bytes(300)};
  CHECK(decode_error(make_tiff({samples})).find("65535 samples") != std::string::npos);
}

TEST_CASE("animations are refused") {
  Bytes frames(8);
  frames[3] = 2;
  const std::string message = decode_error(make_png(1, 1, 8, 0, {0, 9}, png_chunk("acTL", frames)));
  CHECK(message.find("animated") != std::string::npos);
  frames[3] = 1;
  CHECK(decode_error(make_png(1, 1, 8, 0, {0, 9}, png_chunk("acTL", frames))).empty());

  const Bytes still = encode_image(noise(8, 8, 3, Depth::u8), Format::webp, {});
  Bytes chunks = bytes_of("WEBPVP8X");
  put(chunks, 10, 4, false);
  put(chunks, 2, 4, false);
  put(chunks, 7, 3, false);
  put(chunks, 7, 3, false);
  put(chunks, bytes_of("ANIM"));
  put(chunks, 6, 4, false);
  put(chunks, 0, 6, false);
  chunks.insert(chunks.end(), still.begin() + 12, still.end());
  Bytes animated = bytes_of("RIFF");
  put(animated, chunks.size(), 4, false);
  put(animated, chunks);
  CHECK(decode_error(animated).find("animated") != std::string::npos);
}

TEST_CASE("films of one picture after another are refused, other appendices pass") {
  const auto joined = [](Bytes first, const Bytes& second) {
    put(first, second);
    return first;
  };
  for (const Format format : {Format::png, Format::pnm, Format::jpeg}) {
    CAPTURE(extension_of(format));
    const Bytes one = encode_image(noise(16, 12, 3, Depth::u8), format, {});
    CHECK(decode_error(joined(one, bytes_of("appended by some program"))).empty());
    const std::string twice = decode_error(joined(one, one));
    if (format == Format::jpeg) CHECK(twice.empty());  // phones append previews
    else CHECK(twice.find("more than one") != std::string::npos);
  }
}
