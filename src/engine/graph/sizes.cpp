#include "engine/graph/sizes.hpp"

#include <algorithm>

#include "ganvas/core/error.hpp"

namespace ganvas::engine {

PerNode<Size> result_sizes(const Graph& graph, Size picture) {
  PerNode<Size> sizes;
  for (const Node& n : graph) {
    if (n.inputs.empty()) {
      sizes.push_back(picture);
      continue;
    }
    const Size from = sizes[n.inputs[0]];
    sizes.push_back({n->side(down, from.height), n->side(across, from.width)});
  }
  return sizes;
}

bool sizes_are_possible(const Graph& graph, const PerNode<Size>& sizes) {
  for (const NodeId id : sizes.ids()) {
    if (sizes[id].height < 1 || sizes[id].width < 1) return false;
    std::vector<Size> inputs;
    for (const NodeId input : graph[id].inputs) inputs.push_back(sizes[input]);
    if (!inputs.empty() && !graph[id]->takes(inputs, sizes[id])) return false;
  }
  return true;
}

int outer_multiple(const Graph& graph, int network) {
  const bool own = std::ranges::any_of(graph, [](const Node& node) {
    const Pad* pad = as<Pad>(node);
    return pad && (pad->multiple > 1 || pad->smallest > 1);
  });
  return own ? 1 : network;
}

int fitting_multiple(const Graph& graph, Size picture, int multiple) {
  for (const int factor : {1, 2, 4, 8})
    if (sizes_are_possible(graph, result_sizes(graph, rounded_up(picture, multiple * factor))))
      return multiple * factor;
  fail(ErrorKind::model, "this network can't take a picture of {} x {}: it is too small", picture.width,
       picture.height);
}

Region source_region(const Node& node, std::size_t which, const Region& wanted, Size from) {
  return {cut(node->source(which, down, wanted.rows, from.height), from.height),
          cut(node->source(which, across, wanted.columns, from.width), from.width)};
}

}  // namespace ganvas::engine
