#include <torch/torch.h>

#include <optional>

#include "engine/graph/graph.hpp"

namespace ganvas::engine {

namespace {

using torch::Tensor;

class Folder {
 public:
  explicit Folder(Graph graph) : graph_(std::move(graph)), uses_(use_counts(graph_)) {}

  Graph run(ShuffleOrder order) {
    for (const NodeId id : graph_.ids()) {
      if (as<Affine>(graph_[id])) fold_affine(id);
      if (as<Activation>(graph_[id])) fold_activation(id);
      if (as<Add>(graph_[id])) fold_addition(id);
      if (as<Multiply>(graph_[id])) fold_gate(id);
    }
    if (order == ShuffleOrder::grouped)
      for (const NodeId id : graph_.ids())
        if (uses_[id] > 0 && as<PixelShuffle>(graph_[id])) group_shuffle(graph_[id]);
    return compact();
  }

 private:
  bool only_use(NodeId id) const { return uses_[id] == 1; }
  /// The convolution as a plain sum of products, which takes further factors and terms.
  bool is_open(NodeId id) const {
    const AnyConvolution* conv = as_any_convolution(graph_[id]);
    return conv && conv->activation.curve == Curve::none && graph_[id].inputs.size() == 1;
  }
  /// The one factor, of a node that does nothing but multiply.
  const Tensor* scalar_factor(NodeId id) const {
    const Affine* affine = as<Affine>(graph_[id]);
    const bool plain = affine && affine->scale.numel() == 1 && affine->shift.abs().max().item<float>() == 0;
    return plain ? &affine->scale : nullptr;
  }
  /// Node `id` becomes `merged`, and its producer, whose only user it was, goes.
  void replace(NodeId id, NodeId producer, Node merged) {
    graph_[id] = std::move(merged);
    uses_[producer] = 0;
  }

  void fold_affine(NodeId id) {
    const Affine& affine = *as<Affine>(graph_[id]);
    const NodeId from = graph_[id].inputs[0];
    if (!only_use(from)) return;
    Node merged = graph_[from];
    if (is_open(from)) {
      as_any_convolution(merged)->scale_and_shift(affine.scale, affine.shift);
    } else if (Affine* both = as<Affine>(merged)) {
      both->scale = both->scale * affine.scale;
      both->shift = both->shift * affine.scale + affine.shift;
    } else {
      return;
    }
    replace(id, from, std::move(merged));
  }

  void fold_activation(NodeId id) {
    ActivationFunction& function = as<Activation>(graph_[id])->function;
    if (function.curve == Curve::prelu && function.slopes.min().item<float>() == function.slopes.max().item<float>()) {
      function.curve = Curve::leaky_relu;
      function.slope = function.slopes[0].item<double>();
    }
    const NodeId from = graph_[id].inputs[0];
    const AnyConvolution* before = as_any_convolution(graph_[from]);
    if (!only_use(from) || !before || before->activation.curve != Curve::none) return;
    Node merged = graph_[from];
    as_any_convolution(merged)->activation = function;
    replace(id, from, std::move(merged));
  }

  void fold_addition(NodeId id) {
    take_factors(id);
    if (!fold_into_convolution(id)) fold_into_shuffle(id);
  }

  /// Constant factors of the summands become the sum's own.
  void take_factors(NodeId id) {
    Add& add = *as<Add>(graph_[id]);
    for (const std::size_t side : {0U, 1U}) {
      NodeId& from = graph_[id].inputs[side];
      const Tensor* factor = only_use(from) ? scalar_factor(from) : nullptr;
      if (!factor) continue;
      (side == 0 ? add.alpha : add.beta) *= factor->item<double>();
      uses_[from] = 0;
      from = graph_[from].inputs[0];
    }
  }

  bool fold_into_convolution(NodeId id) {
    const Add add = *as<Add>(graph_[id]);
    for (const std::size_t side : {0U, 1U}) {
      const NodeId from = graph_[id].inputs[side], other = graph_[id].inputs[1 - side];
      if (from == other || !only_use(from) || !is_open(from)) continue;
      // The later of two convolutions takes the earlier one's result.
      if (only_use(other) && is_open(other) && other > from) continue;
      Node merged = graph_[from];
      AnyConvolution& conv = *as_any_convolution(merged);
      conv.scale_and_shift(torch::full({1}, side == 0 ? add.alpha : add.beta), torch::zeros({1}));
      conv.residual_factor = side == 0 ? add.beta : add.alpha;
      merged.inputs.push_back(other);
      replace(id, from, std::move(merged));
      return true;
    }
    return false;
  }

  /// The argument of a sigmoid, perhaps with a number added, that nothing but a product reads.
  struct Gate {
    NodeId of, sigmoid;
    double shift = 0;
  };
  std::optional<Gate> gate_at(NodeId id) const {
    Gate gate{id, id};
    if (!only_use(id)) return std::nullopt;
    if (const Affine* affine = as<Affine>(graph_[id])) {
      const bool moved = affine->shift.numel() == 1 && (affine->scale == 1).all().item<bool>();
      gate.sigmoid = graph_[id].inputs[0];
      if (!moved || !only_use(gate.sigmoid)) return std::nullopt;
      gate.shift = affine->shift.item<double>();
    }
    const Activation* activation = as<Activation>(graph_[gate.sigmoid]);
    if (!activation || activation->function.curve != Curve::sigmoid) return std::nullopt;
    gate.of = graph_[gate.sigmoid].inputs[0];
    return gate;
  }

  void fold_gate(NodeId id) {
    for (const std::size_t side : {0U, 1U}) {
      const NodeId sum = graph_[id].inputs[side], factor = graph_[id].inputs[1 - side];
      const Add* add = as<Add>(graph_[sum]);
      const std::optional<Gate> gate = gate_at(factor);
      if (!add || !only_use(sum) || !gate) continue;
      const std::vector<NodeId> summands = graph_[sum].inputs;
      const std::size_t own = summands[0] == gate->of ? 0 : 1;
      if (summands[own] != gate->of || (own == 0 ? add->alpha : add->beta) != 1) continue;
      GatedSum made;
      made.beta = own == 0 ? add->beta : add->alpha;
      made.shift = gate->shift;
      const int channels = graph_[id].channels;
      uses_[factor] = uses_[gate->sigmoid] = 0;
      --uses_[gate->of];
      return replace(id, sum, {made, {gate->of, summands[1 - own]}, channels});
    }
  }

  void fold_into_shuffle(NodeId id) {
    const Add& add = *as<Add>(graph_[id]);
    if (add.alpha != 1 || add.beta != 1) return;
    for (const std::size_t side : {0U, 1U}) {
      const NodeId shuffled = graph_[id].inputs[side], large = graph_[id].inputs[1 - side];
      const PixelShuffle* shuffle = as<PixelShuffle>(graph_[shuffled]);
      const Nearest* nearest = as<Nearest>(graph_[large]);
      if (!shuffle || !nearest || shuffle->factor != nearest->factor || graph_[shuffled].inputs.size() != 1) continue;
      if (!only_use(shuffled) || !only_use(large)) continue;
      Node with_base = graph_[shuffled];
      with_base.inputs.push_back(graph_[large].inputs[0]);
      uses_[large] = 0;
      return replace(id, shuffled, std::move(with_base));
    }
  }

  void group_shuffle(Node& node) {
    const NodeId from = node.inputs[0];
    auto* conv = as<Convolution>(graph_[from]);
    if (!only_use(from) || !conv || conv->groups != 1 || graph_[from].inputs.size() != 1) return;
    auto& shuffle = *as<PixelShuffle>(node);
    const auto order = [&](const Tensor& x) {
      return x.unflatten(0, {node.channels, shuffle.factor * shuffle.factor})
          .transpose(0, 1)
          .flatten(0, 1)
          .contiguous();
    };
    conv->weight = order(conv->weight);
    if (conv->bias.defined()) conv->bias = order(conv->bias);
    if (conv->activation.slopes.defined()) conv->activation.slopes = order(conv->activation.slopes);
    shuffle.grouped = true;
  }

  Graph compact() {
    PerNode<bool> needed(graph_.size(), false);
    needed[graph_.input()] = needed[graph_.output()] = true;
    for (const NodeId id : graph_.ids_backwards())
      if (needed[id])
        for (const NodeId input : graph_[id].inputs) needed[input] = true;
    PerNode<NodeId> place(graph_.size());
    Graph result;
    for (const NodeId id : graph_.ids()) {
      if (!needed[id]) continue;
      Node node = graph_[id];
      for (NodeId& input : node.inputs) input = place[input];
      place[id] = result.add(std::move(node));
    }
    return result;
  }

  Graph graph_;
  PerNode<int> uses_;
};

}  // namespace

Graph fold(Graph graph, ShuffleOrder order) { return Folder(std::move(graph)).run(order); }

}  // namespace ganvas::engine
