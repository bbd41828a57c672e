#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/graph.hpp"

/// How large results are, and which part of its inputs a part of a node's result is made of. All operators look at rows
/// and columns separately.
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
/// The next multiples at the bottom and right.
Size rounded_up(Size picture, int multiple);
/// To multiples of what the picture must be extended (pad_to_multiple) for the network to take it as a whole: its own,
/// or for tiny pictures, in which reflections have no place, a larger one, as such networks do it themselves. Throws
/// Error(model) where none will do.
int fitting_multiple(const Graph& graph, Size picture, int multiple);

/// Taps of a kernel, from the first to the last. `axis`: 0 down, 1 across.
int kernel_extent(const Node& node, std::size_t axis);

/// What `wanted` of the node's result reads of input `which`, cut to its size; at least one pixel. For a mean, which
/// reads all, see the schedule.
Region source_region(const Node& node, std::size_t which, const Region& wanted, Size from);

/// The same along one axis (0: down, 1: across) for convolutions, not cut: zeros lie outside.
Span convolution_source(const Node& node, std::size_t axis, Span wanted);

}  // namespace ganvas::engine
