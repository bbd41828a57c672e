#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>

namespace ganvas {

/// The whole text as a number, as std::from_chars reads it (no white space, no leading plus, no locale); nullopt where
/// it isn't one or the type can't hold it. `base` is of integers.
template <typename Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number value{};
  const char* end = text.data() + text.size();
  std::from_chars_result result{};
  if constexpr (std::is_integral_v<Number>) result = std::from_chars(text.data(), end, value, base);
  else result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

}  // namespace ganvas
