#pragma once

#include <algorithm>
#include <cstdint>

/// Sizes of results and parts of them. All operators look at rows and columns separately.
namespace ganvas::engine {

/// Places first .. end - 1 along one axis.
struct Span {
  int first = 0, end = 0;
  int size() const { return end - first; }
  bool operator==(const Span&) const = default;
};
Span united(Span a, Span b);
/// Empty where they don't meet.
Span common(Span a, Span b);
/// Inside an axis of `size` places, and not empty.
Span cut(Span span, int size);

struct Region {
  Span rows, columns;
  std::int64_t area() const { return std::int64_t{std::max(0, rows.size())} * std::max(0, columns.size()); }
  bool empty() const { return area() == 0; }
  bool operator==(const Region&) const = default;
};
Region united(const Region& a, const Region& b);
Region common(const Region& a, const Region& b);

struct Size {
  int height = 0, width = 0;
  std::int64_t area() const { return std::int64_t{height} * width; }
  bool operator==(const Size&) const = default;
};
Region whole(Size size);
/// The next multiples at the bottom and right.
Size rounded_up(Size size, int multiple);

/// Down or across; operators keep what they have for each in arrays of two.
using Axis = std::size_t;
inline constexpr Axis down = 0, across = 1;
inline constexpr Axis axes[] = {down, across};
inline Span along(const Region& region, Axis axis) { return axis == down ? region.rows : region.columns; }
inline int along(Size size, Axis axis) { return axis == down ? size.height : size.width; }

}  // namespace ganvas::engine
