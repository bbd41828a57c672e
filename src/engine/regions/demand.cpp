#include "engine/regions/demand.hpp"

namespace ganvas::engine {

bool is_leaf(const Graph& graph, const PerNode<bool>& known, NodeId node) {
  return node == graph.input() || graph[node]->statistics() == Statistics::alone || known[node];
}

Demand demand_of(const Graph& graph, const PerNode<Size>& sizes, const PerNode<bool>& known,
                 const std::vector<Target>& targets) {
  Demand demand;
  demand.regions = PerNode<Region>(graph.size());
  int open = 0;  // nodes with a region that were not looked at yet
  const auto want = [&](NodeId node, const Region& region) {
    Region& all = demand.regions[node];
    if (all.empty()) ++open;
    all = united(all, region);
  };
  for (const Target& target : targets)
    if (!target.region.empty()) want(target.node, target.region);
  for (const NodeId id : graph.ids_backwards()) {
    if (open == 0) break;
    const Region& region = demand.regions[id];
    if (region.empty()) continue;
    --open;
    demand.order.push_back(id);
    if (is_leaf(graph, known, id)) continue;
    const Node& n = graph[id];
    for (std::size_t k = 0; k < n.inputs.size(); ++k)
      want(n.inputs[k], source_region(n, k, region, sizes[n.inputs[k]]));
  }
  std::ranges::reverse(demand.order);
  return demand;
}

}  // namespace ganvas::engine
