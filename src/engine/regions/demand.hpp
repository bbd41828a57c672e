#pragma once

#include <vector>

#include "engine/graph/sizes.hpp"

namespace ganvas::engine {

/// A part of a node's result that is wanted.
struct Target {
  NodeId node;
  Region region;
};

/// What must be known of each node for some targets.
struct Demand {
  PerNode<Region> regions;    ///< the smallest rectangle around all that is read; empty: not needed
  std::vector<NodeId> order;  ///< nodes with a region, in the order in which they can be computed
};

/// Nodes that aren't computed from their inputs: the picture, what is made of statistics alone, and those in `known`.
bool is_leaf(const Graph& graph, const PerNode<bool>& known, NodeId node);

Demand demand_of(const Graph& graph, const PerNode<Size>& sizes, const PerNode<bool>& known,
                 const std::vector<Target>& targets);

}  // namespace ganvas::engine
