#pragma once

#include <functional>
#include <vector>

#include "engine/graph/graph.hpp"

/// Convolutions with PReLU, for which oneDNN has no fast code, are computed strip by strip, the activation following
/// while a strip is still in the cache.
namespace ganvas::engine {

/// One whose every row of the result sees a row of the source: a PReLU behind it can be computed in strips.
bool fits_strips(const Node& node);

/// Which convolutions keep all channels of a pixel together, as strips must lie.
struct StripChoice {
  PerNode<bool> in_strips;  ///< those with PReLU
  PerNode<bool> follows;    ///< whole ones that read a strip convolution's result as it lies
};
/// `one_block(id)`: whether a value has so few channels that they lie together anyway. Only chains are worth it: a
/// result that others read in another layout would have to be copied.
StripChoice choose_strips(const Graph& graph, const std::function<bool(NodeId)>& one_block);

/// Rows of the result and the rows that they need.
struct Strip {
  int first = 0, rows = 0;
  int from_first = 0, from_rows = 0;
  int above = 0;  ///< rows of padding before the first; behind the last the sizes say it
};
/// `from_height`, `height`: of the source and the result; `rows`: at most so many of the result in a strip.
std::vector<Strip> strips_of(const Convolution& conv, int from_height, int height, int rows);

}  // namespace ganvas::engine
