#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/graph.hpp"

/// Which part of its inputs a part of a node's result is made of. All operators look at rows and columns separately.
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

/// Sizes of all results for a picture of this size.
std::vector<Size> result_sizes(const Graph& graph, Size picture);
/// Whether every result has pixels, and reflections stay inside what they reflect.
bool sizes_are_possible(const Graph& graph, const std::vector<Size>& sizes);

/// What `wanted` of the node's result reads of input `which`, cut to its size; at least one pixel. For a mean, which
/// reads all, see the schedule.
Region source_region(const Node& node, std::size_t which, const Region& wanted, Size from);

/// The same along one axis (0: down, 1: across) for convolutions, not cut: zeros lie outside.
Span convolution_source(const Node& node, std::size_t axis, Span wanted);

/// Where place `i` of an enlarged axis lies between the `from` original ones, in [0, from - 1].
double bilinear_place(int i, int from, int to, bool align_corners);
/// Which of `size` places the padded place `i` shows, `before` being added in front; -1: zero.
int padded_source(int i, int before, int size, Border kind);

}  // namespace ganvas::engine
