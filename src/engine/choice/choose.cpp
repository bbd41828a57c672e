#include "engine/choice/choose.hpp"

#include <algorithm>
#include <cmath>

#include "engine/choice/two_labels.hpp"

namespace ganvas::engine {

namespace {

/// What the answer depends on: the price of every node in both layouts, and of every value that is wanted in the one
/// where it isn't.
class Prices {
 public:
  Prices(const Graph& graph, const ValueLayouts& plain, Costs& costs)
      : graph_(graph),
        plain_(plain),
        in_blocks(graph.size(), 0),
        as_together(graph.size(), 0),
        moved(graph.size(), 0),
        readers(graph.size()),
        parts(graph.size()) {
    for (const NodeId id : graph.ids()) price(id, costs);
    for (const NodeId id : graph.ids())
      for (std::size_t k = 0; k < graph[id].inputs.size(); ++k) read(id, k, costs);
  }

  bool must_be_together(NodeId id) const { return plain_.is_together(id); }

 private:
  const Graph& graph_;
  const ValueLayouts& plain_;

  double bytes(NodeId id) const {
    const View& view = plain_[id];
    return static_cast<double>(view.size()) * (view.element == Element::fp32   ? 4
                                               : view.element == Element::bf16 ? 2
                                                                               : 1);
  }

  // Attention and the other loops of our own read a pixel's channels in either layout as fast.
  void price(NodeId id, Costs& costs) {
    const Node& n = graph_[id];
    if (as_any_convolution(n)) {
      as_together[id] = costs.convolution(id, true);
      in_blocks[id] = must_be_together(id) ? as_together[id] : costs.convolution(id, false);
    } else if (as<Concat>(n)) {
      const bool in_place = std::ranges::all_of(
          n.inputs, [&](NodeId part) { return part != graph_.input() && plain_[part].channels % plain_.block() == 0; });
      as_together[id] = costs.copying(bytes(id));
      in_blocks[id] = in_place ? 0 : as_together[id];
    }
  }

  /// Node `id` reads its input `k`.
  void read(NodeId id, std::size_t k, Costs& costs) {
    const NodeId from = graph_[id].inputs[k];
    const bool same = from == graph_.input() || plain_[from].channels <= plain_.block();  // in both layouts
    const auto* conv = as<Convolution>(graph_[id]);
    const bool quantised = conv && conv->scale_in.used() && must_be_together(id) && k == 0;  // by a copy anyway
    if (same || quantised || graph_[id]->takes_any_layout()) return;
    if (as<Concat>(graph_[id])) {
      // Copies all where one part isn't where it belongs, and together anyway.
      if (in_blocks[id] < as_together[id]) parts[id].push_back(from);
      return;
    }
    moved[from] = costs.copying(bytes(from));
    readers[from].push_back(id);
  }

 public:
  PerNode<double> in_blocks, as_together;
  PerNode<double> moved;                 ///< a copy in the other layout
  PerNode<std::vector<NodeId>> readers;  ///< who reads such a copy where it isn't in the value's layout
  PerNode<std::vector<NodeId>> parts;    ///< of a concatenation that is free as long as all lie in blocks
};

double total(const Graph& graph, const Prices& prices, const Together& together) {
  double sum = 0;
  for (const NodeId id : graph.ids()) {
    sum += together[id] ? prices.as_together[id] : prices.in_blocks[id];
    const auto otherwise = [&](NodeId other) { return together[other] != together[id]; };
    if (std::ranges::any_of(prices.readers[id], otherwise)) sum += prices.moved[id];
    if (!together[id] && std::ranges::any_of(prices.parts[id], otherwise)) sum += prices.as_together[id];
  }
  return sum;
}

}  // namespace

Choice choose_layouts(const Graph& graph, const ValueLayouts& plain, Costs& costs) {
  const Prices prices(graph, plain, costs);
  TwoLabels labels(graph.size());
  constexpr double forbidden = 1000;
  for (const NodeId id : graph.ids()) {
    const std::size_t item = id.index();
    labels.cost(item, prices.must_be_together(id) ? forbidden : prices.in_blocks[id], prices.as_together[id]);
    // One copy serves all readers: it is there as soon as one of them is in the other layout.
    if (!prices.readers[id].empty()) {
      const std::size_t read_together = labels.add(), read_in_blocks = labels.add();
      labels.apart(item, read_together, prices.moved[id]);
      labels.apart(read_in_blocks, item, prices.moved[id]);
      for (const NodeId reader : prices.readers[id]) {
        labels.only_with(reader.index(), read_together);
        labels.only_with(read_in_blocks, reader.index());
      }
    }
    if (!prices.parts[id].empty()) {
      const std::size_t scattered = labels.add();
      labels.apart(item, scattered, prices.as_together[id]);
      for (const NodeId part : prices.parts[id]) labels.only_with(part.index(), scattered);
    }
  }
  const std::vector<bool> found = labels.cheapest();
  Choice choice{Together(graph.size(), false), 0};
  for (const NodeId id : graph.ids()) choice.together[id] = found[id.index()];
  choice.seconds = total(graph, prices, choice.together);
  return choice;
}

double seconds_of(const Graph& graph, const ValueLayouts& plain, const Together& together, Costs& costs) {
  return total(graph, Prices(graph, plain, costs), together);
}

}  // namespace ganvas::engine
