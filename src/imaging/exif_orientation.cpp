// The one EXIF tag that changes what a picture looks like. Read here and not through exiv2, so that builds without it
// turn pictures the right way too.
#include "imaging/codecs.hpp"

namespace ganvas::codecs {
namespace {

constexpr std::uint32_t orientation_tag = 0x0112, type_short = 3;

int find_orientation(View exif) {
  using namespace std::string_view_literals;
  if (marked(exif, 0, "Exif\0"sv) && exif.size() >= 6) exif = exif.subspan(6);
  const bool little = marked(exif, 0, "II*\0"sv);
  if (!little && !marked(exif, 0, "MM\0*"sv)) return 1;
  const auto number = [&](std::size_t at, int count) {
    return little ? little_endian(exif, at, count) : big_endian(exif, at, count);
  };
  const std::size_t directory = number(4, 4);
  const std::uint32_t entries = number(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;
    if (number(entry, 2) != orientation_tag) continue;
    const std::uint32_t value = number(entry + 8, number(entry + 2, 2) == type_short ? 2 : 4);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace

int exif_orientation(View exif) noexcept {
  try {
    return find_orientation(exif);
  } catch (const Error&) {
    return 1;  // a damaged EXIF block is no reason to refuse the picture
  }
}

}  // namespace ganvas::codecs
