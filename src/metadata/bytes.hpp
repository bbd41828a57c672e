#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Numbers and marks in bytes of files. Readers give 0 and empty views beyond the end: what a damaged file leaves out
/// is never worth an exception here.
namespace ganvas::metadata {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

inline View view_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
inline std::string text_of(View bytes) { return {bytes.begin(), bytes.end()}; }

inline View part(View bytes, std::uint64_t at, std::uint64_t count = UINT64_MAX) {
  if (at > bytes.size()) return {};
  return bytes.subspan(at, std::min<std::uint64_t>(count, bytes.size() - at));
}

inline std::uint64_t number(View bytes, std::uint64_t at, int count, bool little) {
  const View digits = part(bytes, at, static_cast<std::uint64_t>(count));
  if (digits.size() != static_cast<std::size_t>(count)) return 0;
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | digits[static_cast<std::size_t>(little ? count - 1 - i : i)];
  return value;
}
inline std::uint64_t big_endian(View bytes, std::uint64_t at, int count) { return number(bytes, at, count, false); }
inline std::uint64_t little_endian(View bytes, std::uint64_t at, int count) { return number(bytes, at, count, true); }

inline bool marked(View bytes, std::uint64_t at, std::string_view mark) {
  const View found = part(bytes, at, mark.size());
  return found.size() == mark.size() && std::ranges::equal(found, view_of(mark));
}

inline void append(Bytes& out, View bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
inline void append(Bytes& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }
inline void append_big_endian(Bytes& out, std::uint64_t value, int count) {
  for (int i = count; i-- > 0;) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
inline void append_little_endian(Bytes& out, std::uint64_t value, int count) {
  for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}

}  // namespace ganvas::metadata
