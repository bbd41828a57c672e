#include "engine/graph/graph.hpp"

namespace ganvas::engine {

const AnyConvolution* as_any_convolution(const Node& node) {
  if (const auto* forward = as<Convolution>(node)) return forward;
  return as<TransposedConvolution>(node);
}

AnyConvolution* as_any_convolution(Node& node) {
  return const_cast<AnyConvolution*>(as_any_convolution(std::as_const(node)));
}

PerNode<int> use_counts(const Graph& graph) {
  PerNode<int> uses(graph.size(), 0);
  for (const Node& node : graph)
    for (const NodeId input : node.inputs) ++uses[input];
  ++uses.back();
  return uses;
}

}  // namespace ganvas::engine
