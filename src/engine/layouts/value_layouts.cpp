#include "engine/layouts/value_layouts.hpp"

#include "engine/graph/sizes.hpp"
#include "engine/layouts/winograd.hpp"

namespace ganvas::engine {

namespace {

/// Where it runs in integers, the scale of what it reads.
Int8Scale scale_in(const Node& node) {
  const auto* conv = as<Convolution>(node);
  return conv ? conv->scale_in : Int8Scale{};
}

}  // namespace

Together blocks_with_strips(const Graph& graph, Numbers numbers, int block) {
  const StripChoice strips = choose_strips(graph, [&](NodeId id) { return graph[id].channels <= block; });
  Together together(graph.size(), false);
  const bool fp32 = numbers.features == Element::fp32 && !numbers.int8;
  for (const NodeId id : graph.ids())
    if (fp32 && strips.in_strips[id] &&
        suits_winograd(*as_any_convolution(graph[id]), graph[graph[id].inputs[0]].channels, graph[id].channels, block))
      return together;
  for (const NodeId id : graph.ids()) together[id] = strips.in_strips[id] || strips.follows[id];
  return together;
}

ValueLayouts::ValueLayouts(const Graph& graph, Size picture, Numbers numbers, int block, Together together)
    : graph_(graph), block_(block), together_(std::move(together)), in_strips_(graph.size(), false) {
  const PerNode<Size> sizes = result_sizes(graph, picture);
  for (const NodeId id : graph.ids())
    views_.push_back({nullptr, graph[id].channels, sizes[id].height, sizes[id].width, block, Element::fp32});
  if (numbers.features == Element::bf16) find_half();
  for (const NodeId id : graph.ids()) {
    if (!together_[id]) continue;
    place_together(id);
    in_strips_[id] = fits_strips(graph[id]) && as<Convolution>(graph[id])->activation.curve == Curve::prelu;
  }
  if (numbers.int8) find_int8();
}

void ValueLayouts::place_together(NodeId id) {
  together_[id] = true;
  views_[id] = laid(id, true);
}

View ValueLayouts::laid(NodeId id, bool together) const {
  View view = views_[id];
  view.block = together ? (view.channels + block_ - 1) / block_ * block_ : block_;
  return view;
}

/// bf16 for what convolutions read. Values of few channels stay fp32 and are split for them; what only leads to the
/// picture stays fp32 too.
void ValueLayouts::find_half() {
  for (const NodeId id : graph_.ids_backwards()) {
    const Node& n = graph_[id];
    for (std::size_t k = 0; k < n.inputs.size(); ++k) {
      const NodeId from = n.inputs[k];
      if (from == graph_.input()) continue;
      const bool read = as_any_convolution(n) && k == 0;
      if (read ? !splits(n, views_[from]) : views_[id].element == Element::bf16 && !n->keeps_precision())
        views_[from].element = Element::bf16;
    }
  }
}

bool ValueLayouts::splits(const Node& node, const View& from) const {
  const auto* conv = as<Convolution>(node);
  return conv && conv->groups == 1 && 2 * from.channels <= block_;
}

/// Integers and what comes out of them lie with all channels of a pixel together, as oneDNN wants them there; they
/// stay integers between one such convolution and the next.
void ValueLayouts::find_int8() {
  const PerNode<int> uses = use_counts(graph_);
  PerNode<int> integer_uses(graph_.size(), 0);
  for (const Node& n : graph_)
    if (scale_in(n).used()) ++integer_uses[n.inputs[0]];
  for (const NodeId id : graph_.ids()) {
    const Node& n = graph_[id];
    if (!scale_in(n).used()) continue;
    place_together(id);
    const Curve curve = as<Convolution>(n)->activation.curve;
    const bool simple = n.inputs.size() == 1 &&
                        (curve == Curve::none || curve == Curve::relu || curve == Curve::leaky_relu || in_strips(id));
    if (simple && uses[id] == integer_uses[id]) views_[id].element = Element::int8;
  }
}

Int8Scale ValueLayouts::scale_of(NodeId id) const {
  if (views_[id].element != Element::int8) return {};
  for (const Node& n : graph_)
    if (scale_in(n).used() && n.inputs[0] == id) return scale_in(n);
  return {};
}

}  // namespace ganvas::engine
