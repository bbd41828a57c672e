#include "engine/graph/geometry.hpp"

#include "ganvas/core/division.hpp"

namespace ganvas::engine {

Span united(Span a, Span b) { return {std::min(a.first, b.first), std::max(a.end, b.end)}; }

Span common(Span a, Span b) {
  const int first = std::max(a.first, b.first);
  return {first, std::max(first, std::min(a.end, b.end))};
}

Span cut(Span span, int size) {
  const int first = std::clamp(span.first, 0, size - 1);
  return {first, std::clamp(span.end, first + 1, size)};
}

Region united(const Region& a, const Region& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {united(a.rows, b.rows), united(a.columns, b.columns)};
}

Region common(const Region& a, const Region& b) { return {common(a.rows, b.rows), common(a.columns, b.columns)}; }

Region whole(Size size) { return {{0, size.height}, {0, size.width}}; }

Size rounded_up(Size size, int multiple) {
  return {divided_up(size.height, multiple) * multiple, divided_up(size.width, multiple) * multiple};
}

}  // namespace ganvas::engine
