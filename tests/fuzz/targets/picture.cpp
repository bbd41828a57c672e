// Header and pixels of every format, and the way of a result: metadata corrected, facts added, encoded, read again.
#include "fuzz/fuzz.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_stream.hpp"
#include "ganvas/metadata/facts.hpp"

using namespace ganvas;

namespace {

void check_sizes(const ImageHeader& header, const DecodedImage& decoded) {
  const bool turned = header.orientation >= 5;
  if (decoded.image.width() != (turned ? header.height : header.width) ||
      decoded.image.height() != (turned ? header.width : header.height))
    fuzz::finding("header and picture differ in size");
}

/// What the command makes of a picture must be a picture of the same size.
void write_and_read(DecodedImage decoded, Format format) {
  scale_metadata(decoded.metadata, 2, 3);
  add_facts(decoded.metadata, {{"model", "m"}, {"mode", "a&b<\"c"}});
  if (decoded.image.channels() > 4 && !capacity_of(format).bands) return;
  const Bytes encoded = encode_image(decoded.image, format, decoded.metadata, {.quality = 90, .png_level = 1});
  try {
    const DecodedImage again = decode_image(encoded, "own");
    if (again.image.width() != decoded.image.width() || again.image.height() != decoded.image.height())
      fuzz::finding("our own output has another size");
  } catch (const Error& error) {
    fuzz::finding("our own output can't be read", error.what());
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  set_log_level(LogLevel::error);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int most_pixels = 1 << 16, most_encoded = 1 << 10;
  const std::span<const std::uint8_t> bytes(data, size);
  if (size == 0) return 0;
  bool has_header = false;
  ImageHeader header;
  fuzz::try_reading([&] {
    header = read_header(bytes, "x");
    has_header = true;
  });
  fuzz::try_reading([&] {
    if (const auto end = picture_end(bytes); end && *end != SIZE_MAX && (*end == 0 || *end > size))
      fuzz::finding("a picture ends behind its file");
  });
  fuzz::try_reading([&] {
    const int last = data[size - 1];
    const DecodedImage decoded = decode_image(bytes, "x", {.max_pixels = most_pixels, .numbers = last % 2 == 1});
    if (!has_header) fuzz::finding("a picture without a header");
    check_sizes(header, decoded);
    if (decoded.image.pixels.total() > most_encoded) return;
    write_and_read(decoded, format_names[static_cast<std::size_t>(last) / 2 % std::size(format_names)].format);
  });
  return 0;
}
