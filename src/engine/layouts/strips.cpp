#include "engine/layouts/strips.hpp"

#include <algorithm>

namespace ganvas::engine {

namespace {

const Convolution* as_plain_convolution(const Node& node) {
  const auto* conv = as<Convolution>(node);
  const bool plain = conv && conv->groups == 1 && node.inputs.size() == 1 && conv->padding[down] < conv->extent(down);
  return plain ? conv : nullptr;
}

}  // namespace

bool fits_strips(const Node& node) { return as_plain_convolution(node) != nullptr; }

StripChoice choose_strips(const Graph& graph, const std::function<bool(NodeId)>& one_block) {
  PerNode<std::vector<NodeId>> readers(graph.size());
  for (const NodeId id : graph.ids())
    for (const NodeId from : graph[id].inputs) readers[from].push_back(id);

  StripChoice choice{PerNode<bool>(graph.size(), false), PerNode<bool>(graph.size(), false)};
  for (const NodeId id : graph.ids())
    if (const Convolution* conv = as_plain_convolution(graph[id]))
      (conv->activation.curve == Curve::prelu ? choice.in_strips : choice.follows)[id] = true;
  const auto all_readers = [&](NodeId id, auto condition) {
    return !readers[id].empty() && std::ranges::all_of(readers[id], condition);
  };
  const auto fits = [&](NodeId id) {
    const NodeId from = graph[id].inputs[0];
    if (choice.follows[id])
      return choice.in_strips[from] && all_readers(id, [&](NodeId reader) {
               return graph[reader]->takes_any_layout();  // shuffles do
             });
    if (!choice.in_strips[from] && !one_block(from)) return false;
    return all_readers(id, [&](NodeId reader) { return choice.in_strips[reader] || choice.follows[reader]; });
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const NodeId id : graph.ids()) {
      if ((!choice.in_strips[id] && !choice.follows[id]) || fits(id)) continue;
      choice.in_strips[id] = choice.follows[id] = false;
      changed = true;
    }
  }
  return choice;
}

std::vector<Strip> strips_of(const Convolution& conv, int from_height, int height, int rows) {
  std::vector<Strip> strips;
  for (int first = 0; first < height; first += rows) {
    Strip strip{first, std::min(rows, height - first)};
    const Span seen = conv.reads(down, {first, first + strip.rows});
    strip.from_first = std::max(seen.first, 0);
    strip.from_rows = std::min(seen.end, from_height) - strip.from_first;
    strip.above = strip.from_first - seen.first;
    strips.push_back(strip);
  }
  return strips;
}

}  // namespace ganvas::engine
