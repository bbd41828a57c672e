// Windows bitmaps: pixels per metre in the information header, a profile behind the pixels of version 5.
#include <cmath>

#include "metadata/containers.hpp"

namespace ganvas::metadata {

namespace {

constexpr std::size_t file_header = 14, across_at = file_header + 24, down_at = file_header + 28;

}  // namespace

Blocks read_bmp(View encoded) {
  Blocks blocks;
  const std::uint64_t header = little_endian(encoded, file_header, 4);
  if (header < 40) return blocks;
  const auto across = static_cast<double>(little_endian(encoded, across_at, 4)),
             down = static_cast<double>(little_endian(encoded, down_at, 4));
  if (across < INT32_MAX && down < INT32_MAX)
    blocks.metadata.resolution = {across / 100, down / 100, Resolution::Unit::centimetre};
  // LCS_PROFILE_EMBEDDED, 'MBED' as a number.
  if (header >= 124 && marked(encoded, file_header + 56, "DEBM")) {
    const std::uint64_t length = little_endian(encoded, file_header + 116, 4);
    const View icc = part(encoded, file_header + little_endian(encoded, file_header + 112, 4), length);
    if (icc.size() == length) blocks.metadata.icc.assign(icc.begin(), icc.end());
    else blocks.metadata.dropped.push_back("the ICC profile is incomplete");
  }
  return blocks;
}

Bytes insert_into_bmp(View encoded, const Insertion& insertion) {
  const Metadata& metadata = insertion.metadata;
  Bytes out(encoded.begin(), encoded.end());
  if (metadata.resolution.known() && metadata.resolution.unit != Resolution::Unit::unknown &&
      out.size() > down_at + 4) {
    const Resolution inches = metadata.resolution.in_inches();
    for (const auto& [at, value] : {std::pair{across_at, inches.across}, std::pair{down_at, inches.down}}) {
      const auto metre = static_cast<std::uint32_t>(std::clamp(std::round(value / 0.0254), 1.0, 2147483647.0));
      for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::uint8_t>(metre >> 8 * i);
    }
  }
  drop_all_but_resolution(insertion, "BMP");
  return out;
}

}  // namespace ganvas::metadata
