#include "engine/strips.hpp"

#include <algorithm>

#include "engine/geometry.hpp"

namespace ganvas::engine {

namespace {

/// One whose every row of the result sees a row of the source.
bool is_plain_convolution(const Node& node) {
  return node.op == Op::convolution && node.groups == 1 && node.inputs.size() == 1 &&
         node.padding[0] < kernel_extent(node, 0);
}

}  // namespace

StripChoice choose_strips(const Graph& graph, const std::function<bool(int)>& one_block) {
  const std::size_t count = graph.nodes.size();
  std::vector<std::vector<std::size_t>> readers(count);
  for (std::size_t i = 0; i < count; ++i)
    for (const int from : graph.nodes[i].inputs) readers[static_cast<std::size_t>(from)].push_back(i);

  StripChoice choice{std::vector<bool>(count, false), std::vector<bool>(count, false)};
  for (std::size_t i = 0; i < count; ++i) {
    const Node& node = graph.nodes[i];
    if (is_plain_convolution(node))
      (node.activation == Activation::prelu ? choice.in_strips : choice.follows)[i] = true;
  }
  // Shuffles read any layout.
  const auto shuffled = [&](std::size_t i) {
    return !readers[i].empty() && std::ranges::all_of(readers[i], [&](std::size_t reader) {
      return graph.nodes[reader].op == Op::pixel_shuffle;
    });
  };
  const auto fits = [&](std::size_t i) {
    const auto from = static_cast<std::size_t>(graph.nodes[i].inputs[0]);
    if (choice.follows[i]) return choice.in_strips[from] && shuffled(i);
    if (!choice.in_strips[from] && !one_block(static_cast<int>(from))) return false;
    return !readers[i].empty() && std::ranges::all_of(readers[i], [&](std::size_t reader) {
      return choice.in_strips[reader] || choice.follows[reader];
    });
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < count; ++i) {
      if ((!choice.in_strips[i] && !choice.follows[i]) || fits(i)) continue;
      choice.in_strips[i] = choice.follows[i] = false;
      changed = true;
    }
  }
  return choice;
}

std::vector<Strip> strips_of(const Node& node, int from_height, int height, int rows) {
  std::vector<Strip> strips;
  for (int first = 0; first < height; first += rows) {
    Strip strip{first, std::min(rows, height - first)};
    const Span seen = convolution_source(node, 0, {first, first + strip.rows});
    strip.from_first = std::max(seen.first, 0);
    strip.from_rows = std::min(seen.end, from_height) - strip.from_first;
    strip.above = strip.from_first - seen.first;
    strips.push_back(strip);
  }
  return strips;
}

}  // namespace ganvas::engine
