#pragma once

#include <vector>

#include "engine/geometry.hpp"

namespace ganvas::engine {

/// A part of a node's result that is wanted.
struct Target {
  int node = 0;
  Region region;
};

/// What must be known of each node for some targets.
struct Demand {
  std::vector<Region> regions;  ///< one a node: the smallest rectangle around all that is read; empty: not needed
  std::vector<int> order;       ///< nodes with a region, in the order in which they can be computed
};

/// Nodes that aren't computed from their inputs: the picture, means, and those in `known`.
bool is_leaf(const Graph& graph, const std::vector<bool>& known, int node);

Demand demand_of(const Graph& graph, const std::vector<Size>& sizes, const std::vector<bool>& known,
                 const std::vector<Target>& targets);

}  // namespace ganvas::engine
