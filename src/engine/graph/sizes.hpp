#pragma once

#include "engine/graph/graph.hpp"

/// How large results are, and which part of its inputs a part of a node's result is made of.
namespace ganvas::engine {

/// Sizes of all results for a picture of this size.
PerNode<Size> result_sizes(const Graph& graph, Size picture);
/// Whether every result has pixels, and every operator can do with what it gets.
bool sizes_are_possible(const Graph& graph, const PerNode<Size>& sizes);
/// Of a network that works on multiples of `network`: 1 where the graph fills its picture up by itself.
int outer_multiple(const Graph& graph, int network);
/// To multiples of what the picture must be extended (pad_to_multiple) for the network to take it as a whole: its own,
/// or for tiny pictures, in which reflections have no place, a larger one, as such networks do it themselves. Throws
/// Error(model) where none will do.
int fitting_multiple(const Graph& graph, Size picture, int multiple);

/// What `wanted` of the node's result reads of input `which`, cut to its size; at least one pixel. Not for results that
/// are made of statistics alone.
Region source_region(const Node& node, std::size_t which, const Region& wanted, Size from);

}  // namespace ganvas::engine
