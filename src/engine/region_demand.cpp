#include "engine/region_demand.hpp"

#include <torch/torch.h>

namespace ganvas::engine {

bool is_leaf(const Graph& graph, const std::vector<bool>& known, int node) {
  const Op op = graph.nodes[static_cast<std::size_t>(node)].op;
  return op == Op::input || op == Op::mean || known[static_cast<std::size_t>(node)];
}

Demand demand_of(const Graph& graph, const std::vector<Size>& sizes, const std::vector<bool>& known,
                 const std::vector<Target>& targets) {
  Demand demand;
  demand.regions.resize(graph.nodes.size());
  int open = 0, last = -1;  // nodes with a region that were not looked at yet
  const auto want = [&](int node, const Region& region) {
    Region& all = demand.regions[static_cast<std::size_t>(node)];
    if (all.empty()) ++open;
    all = united(all, region);
  };
  for (const Target& target : targets)
    if (!target.region.empty()) {
      want(target.node, target.region);
      last = std::max(last, target.node);
    }
  for (int i = last; open > 0; --i) {
    const Region& region = demand.regions[static_cast<std::size_t>(i)];
    if (region.empty()) continue;
    --open;
    demand.order.push_back(i);
    if (is_leaf(graph, known, i)) continue;
    const Node& n = graph.nodes[static_cast<std::size_t>(i)];
    for (std::size_t k = 0; k < n.inputs.size(); ++k)
      want(n.inputs[k], source_region(n, k, region, sizes[static_cast<std::size_t>(n.inputs[k])]));
  }
  std::reverse(demand.order.begin(), demand.order.end());
  return demand;
}

}  // namespace ganvas::engine
