#include "ganvas/core/utf8.hpp"

namespace ganvas {

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const int more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : -1;
    if (more < 0 || text.size() - i <= static_cast<std::size_t>(more)) return false;
    constexpr std::uint32_t first_bits[] = {0x7f, 0x1f, 0x0f, 0x07}, least[] = {0, 0x80, 0x800, 0x10000};
    std::uint32_t value = lead & first_bits[more];
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<std::uint8_t>(text[i + static_cast<std::size_t>(k)]);
      if (next >> 6 != 2) return false;
      value = value << 6 | (next & 0x3f);
    }
    if (value < least[more] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return false;
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

std::string utf8_of(std::uint32_t number) {
  const auto tail = [number](int shift) { return static_cast<char>(0x80 | (number >> shift & 0x3f)); };
  if (number < 0x80) return {static_cast<char>(number)};
  if (number < 0x800) return {static_cast<char>(0xc0 | number >> 6), tail(0)};
  if (number < 0x10000) {
    if (number >= 0xd800 && number <= 0xdfff) return {};
    return {static_cast<char>(0xe0 | number >> 12), tail(6), tail(0)};
  }
  if (number > 0x10ffff) return {};
  return {static_cast<char>(0xf0 | number >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace ganvas
