#include <torch/torch.h>

#include "engine/graph.hpp"

namespace ganvas::engine {

namespace {

using torch::Tensor;

/// Still a plain sum of products, which takes further factors and terms.
bool is_open(const Node& node) {
  return is_convolution(node) && node.activation == Activation::none && node.inputs.size() == 1;
}

bool is_scalar_factor(const Node& node) {
  return node.op == Op::affine && node.scale.numel() == 1 && node.shift.abs().max().item<float>() == 0;
}

/// The convolution with its result multiplied and shifted, by one value or one a channel.
Node scaled(Node conv, const Tensor& scale, const Tensor& shift) {
  const Tensor factors = scale.expand({conv.channels});
  if (conv.op == Op::convolution) {
    conv.weight = conv.weight * factors.view({-1, 1, 1, 1});
  } else {
    // Weights are I x O/groups x h x w: the output channels of a group lie in dimension 1.
    const std::int64_t inputs = conv.weight.size(0) / conv.groups;
    conv.weight = conv.weight * factors.view({conv.groups, -1}).repeat_interleave(inputs, 0).unsqueeze(2).unsqueeze(3);
  }
  const Tensor bias = conv.bias.defined() ? conv.bias * factors : torch::zeros({conv.channels});
  conv.bias = bias + shift.expand({conv.channels});
  return conv;
}

class Folder {
 public:
  explicit Folder(Graph graph) : graph_(std::move(graph)), uses_(use_counts(graph_)) {}

  Graph run(ShuffleOrder order) {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      fold_affine(i);
      fold_activation(i);
      fold_addition(i);
    }
    if (order == ShuffleOrder::grouped)
      for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
        if (uses_[i] > 0) group_shuffle(graph_.nodes[i]);
    return compact();
  }

 private:
  Node& node(int i) { return graph_.nodes[static_cast<std::size_t>(i)]; }
  bool only_use(int i) const { return uses_[static_cast<std::size_t>(i)] == 1; }
  /// Node `i` becomes `merged`, and its producer, whose only user it was, goes.
  void replace(std::size_t i, int producer, Node merged) {
    graph_.nodes[i] = std::move(merged);
    uses_[static_cast<std::size_t>(producer)] = 0;
  }

  void fold_affine(std::size_t i) {
    const Node& affine = graph_.nodes[i];
    if (affine.op != Op::affine) return;
    const int from = affine.inputs[0];
    const Node& before = node(from);
    if (!only_use(from)) return;
    if (is_open(before)) return replace(i, from, scaled(before, affine.scale, affine.shift));
    if (before.op != Op::affine) return;
    Node both = affine;
    both.inputs = before.inputs;
    both.scale = before.scale * affine.scale;
    both.shift = before.shift * affine.scale + affine.shift;
    replace(i, from, both);
  }

  void fold_activation(std::size_t i) {
    Node& activation = graph_.nodes[i];
    if (activation.op != Op::activation) return;
    if (activation.activation == Activation::prelu &&
        activation.slopes.min().item<float>() == activation.slopes.max().item<float>()) {
      activation.activation = Activation::leaky_relu;
      activation.slope = activation.slopes[0].item<double>();
    }
    const int from = activation.inputs[0];
    if (!only_use(from) || !is_convolution(node(from)) || node(from).activation != Activation::none) return;
    Node conv = node(from);
    conv.activation = activation.activation;
    conv.slope = activation.slope;
    conv.slopes = activation.slopes;
    replace(i, from, conv);
  }

  void fold_addition(std::size_t i) {
    if (graph_.nodes[i].op != Op::add) return;
    Node& add = graph_.nodes[i];
    for (std::size_t side = 0; side < 2; ++side) {
      const int from = add.inputs[side];
      if (!only_use(from) || !is_scalar_factor(node(from))) continue;
      (side == 0 ? add.alpha : add.beta) *= node(from).scale.item<double>();
      uses_[static_cast<std::size_t>(from)] = 0;
      add.inputs[side] = node(from).inputs[0];
    }
    for (std::size_t side = 0; side < 2; ++side) {
      const int from = add.inputs[side], other = add.inputs[1 - side];
      if (from == other || !only_use(from) || !is_open(node(from))) continue;
      // The later of two convolutions takes the earlier one's result.
      if (only_use(other) && is_open(node(other)) && other > from) continue;
      Node conv = scaled(node(from), torch::full({1}, side == 0 ? add.alpha : add.beta), torch::zeros({1}));
      conv.beta = side == 0 ? add.beta : add.alpha;
      conv.inputs.push_back(other);
      return replace(i, from, conv);
    }
    if (add.alpha != 1 || add.beta != 1) return;
    for (std::size_t side = 0; side < 2; ++side) {
      const int shuffled = add.inputs[side], large = add.inputs[1 - side];
      if (node(shuffled).op != Op::pixel_shuffle || node(large).op != Op::nearest) continue;
      if (node(shuffled).factor != node(large).factor || node(shuffled).inputs.size() != 1) continue;
      if (!only_use(shuffled) || !only_use(large)) continue;
      Node with_base = node(shuffled);
      with_base.inputs.push_back(node(large).inputs[0]);
      uses_[static_cast<std::size_t>(large)] = 0;
      return replace(i, shuffled, with_base);
    }
  }

  void group_shuffle(Node& shuffle) {
    if (shuffle.op != Op::pixel_shuffle) return;
    const int from = shuffle.inputs[0];
    Node& conv = node(from);
    if (!only_use(from) || conv.op != Op::convolution || conv.groups != 1 || conv.inputs.size() != 1) return;
    const auto order = [&](const Tensor& x) {
      return x.unflatten(0, {shuffle.channels, shuffle.factor * shuffle.factor})
          .transpose(0, 1)
          .flatten(0, 1)
          .contiguous();
    };
    conv.weight = order(conv.weight);
    if (conv.bias.defined()) conv.bias = order(conv.bias);
    if (conv.slopes.defined()) conv.slopes = order(conv.slopes);
    shuffle.grouped = true;
  }

  Graph compact() {
    std::vector<bool> needed(graph_.nodes.size(), false);
    needed.front() = needed.back() = true;
    for (std::size_t i = graph_.nodes.size(); i-- > 0;)
      if (needed[i])
        for (const int input : graph_.nodes[i].inputs) needed[static_cast<std::size_t>(input)] = true;
    std::vector<int> place(graph_.nodes.size(), -1);
    Graph result;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!needed[i]) continue;
      place[i] = static_cast<int>(result.nodes.size());
      result.nodes.push_back(graph_.nodes[i]);
      for (int& input : result.nodes.back().inputs) input = place[static_cast<std::size_t>(input)];
    }
    return result;
  }

  Graph graph_;
  std::vector<int> uses_;
};

}  // namespace

Graph fold(Graph graph, ShuffleOrder order) { return Folder(std::move(graph)).run(order); }

}  // namespace ganvas::engine
