#include "engine/choice/two_labels.hpp"

#include <algorithm>
#include <cmath>

namespace ganvas::engine {

namespace {

constexpr double most_seconds = 1000, picoseconds = 1e12;
/// More than all finite costs of a large graph together.
constexpr std::int64_t unbounded = INT64_C(4'000'000'000'000'000'000);

}  // namespace

TwoLabels::Amount TwoLabels::amount(double seconds) {
  const double known = std::isnan(seconds) ? most_seconds : std::clamp(seconds, 0.0, most_seconds);
  return static_cast<Amount>(std::llround(known * picoseconds));
}

std::size_t TwoLabels::add() {
  edges_.emplace_back();
  return edges_.size() - 3;
}

void TwoLabels::connect(std::size_t from, std::size_t to, Amount most) {
  if (most == 0 || from == to) return;
  edges_[from].push_back({to, edges_[to].size(), most});
  edges_[to].push_back({from, edges_[from].size() - 1, 0});
}

// An item on the source's side is false.
void TwoLabels::cost(std::size_t item, double as_false, double as_true) {
  connect(source, node_of(item), amount(as_true));
  connect(node_of(item), sink, amount(as_false));
}

void TwoLabels::apart(std::size_t a, std::size_t b, double seconds) {
  connect(node_of(a), node_of(b), amount(seconds));
}

void TwoLabels::only_with(std::size_t b, std::size_t a) { connect(node_of(a), node_of(b), unbounded); }

/// Steps from the source along edges that take more; whether the sink is reached.
bool TwoLabels::find_levels() {
  levels_.assign(edges_.size(), -1);
  levels_[source] = 0;
  std::vector<std::size_t> queue{source};
  for (std::size_t at = 0; at < queue.size(); ++at)
    for (const Edge& edge : edges_[queue[at]])
      if (edge.left > 0 && levels_[edge.to] < 0) {
        levels_[edge.to] = levels_[queue[at]] + 1;
        queue.push_back(edge.to);
      }
  return levels_[sink] >= 0;
}

TwoLabels::Amount TwoLabels::push(std::size_t node, Amount most) {
  if (node == sink) return most;
  for (std::size_t& k = next_[node]; k < edges_[node].size(); ++k) {
    Edge& edge = edges_[node][k];
    if (edge.left <= 0 || levels_[edge.to] != levels_[node] + 1) continue;
    const Amount pushed = push(edge.to, std::min(most, edge.left));
    if (pushed == 0) continue;
    edges_[node][k].left -= pushed;
    edges_[edge.to][edge.back].left += pushed;
    return pushed;
  }
  return 0;
}

// Dinic 1970. What the source doesn't reach in the end is true; so much as can be is false, since an edge that takes
// nothing more toward the sink's side cuts nearest to the sink: the search goes backwards from there.
std::vector<bool> TwoLabels::cheapest() {
  while (find_levels()) {
    next_.assign(edges_.size(), 0);
    while (push(source, unbounded) > 0) {
    }
  }
  std::vector<bool> reaches(edges_.size(), false);
  reaches[sink] = true;
  std::vector<std::size_t> queue{sink};
  for (std::size_t at = 0; at < queue.size(); ++at)
    for (const Edge& edge : edges_[queue[at]])
      if (!reaches[edge.to] && edges_[edge.to][edge.back].left > 0) {
        reaches[edge.to] = true;
        queue.push_back(edge.to);
      }
  return {reaches.begin() + 2, reaches.end()};
}

}  // namespace ganvas::engine
