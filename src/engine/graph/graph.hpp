#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/graph/node_id.hpp"
#include "engine/operators/operators.hpp"

/// A network as a graph of few operators, each on one picture of C x H x W, for any H and W.
namespace ganvas::engine {

struct Node {
  AnyOperator op;
  std::vector<NodeId> inputs;
  int channels = 0;  ///< of the result

  /// What all operators have.
  const Operator* operator->() const { return std::addressof(common_part(op)); }
  const Operator& operator*() const { return common_part(op); }
};

/// The operator, if it is this one; else null.
template <typename One>
const One* as(const Node& node) {
  return std::get_if<One>(&node.op);
}
template <typename One>
One* as(Node& node) {
  return std::get_if<One>(&node.op);
}
/// The node as a convolution of either direction, if it is one.
const AnyConvolution* as_any_convolution(const Node& node);
AnyConvolution* as_any_convolution(Node& node);

/// Nodes in an order in which they can run. The first one is the input, the last one the output.
class Graph : public PerNode<Node> {
 public:
  NodeId input() const { return NodeId(0); }
  NodeId output() const { return NodeId(size() - 1); }
  NodeId add(Node node) {
    push_back(std::move(node));
    return output();
  }
};

/// How often each node is used; the output counts once.
PerNode<int> use_counts(const Graph& graph);

/// Order of the channels before a pixel shuffle: (channel, row, column), or (row, column, channel), which moves whole
/// runs of memory (PixelShuffle::grouped).
enum class ShuffleOrder { published, grouped };

/// Fewer nodes with the same result: constant factors and batch norms into convolutions, activations and residual
/// additions onto them, what nobody uses away.
Graph fold(Graph graph, ShuffleOrder order = ShuffleOrder::grouped);

}  // namespace ganvas::engine
