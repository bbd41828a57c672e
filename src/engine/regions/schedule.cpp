#include "engine/regions/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace ganvas::engine {

namespace {

/// What moving one value through memory costs, in multiply-adds: CPUs do about ten while one float comes and goes.
constexpr double traffic = 10;
/// Tiles lower than that are mostly overlap; a picture in fewer strips keeps too much of what it is done with.
constexpr int least_strip = 96, strips = 24, least_side = 16;

/// Needs statistics of all of its input.
bool is_global(const Node& n) { return n->statistics() != Statistics::none; }

struct TileCost {
  double cost = 0, multiply_adds = 0, work_bytes = 0;
};

class Scheduler {
 public:
  Scheduler(const Problem& problem, const PerNode<bool>& keep, bool half)
      : p_(problem), keep_(keep), levels_(problem.graph.size(), 0), last_read_(problem.graph.size(), -1) {
    schedule_.half = half;
  }

  Schedule run() {
    find_passes();
    find_reads();
    for (Pass& pass : schedule_.passes) {
      choose_grid(pass);
      schedule_.cost += pass.cost;
    }
    find_kept_bytes();
    return std::move(schedule_);
  }

 private:
  const Node& node(NodeId id) const { return p_.graph[id]; }
  const Size& size(NodeId id) const { return p_.sizes[id]; }
  double bytes(NodeId id) const { return kept_bytes_of(p_, id, schedule_.half); }
  double values(NodeId id, const Region& region) const {
    return static_cast<double>(region.area()) * node(id).channels;
  }

  /// A node's pass is the first one in which everything before it is known. Statistics are known one pass after their
  /// input; what reads a kept convolution waits for it too, so that its overlaps aren't convolved twice.
  void find_passes() {
    const NodeIds ids = p_.graph.ids();
    for (const NodeId id : ids)
      for (const NodeId from : node(id).inputs) {
        const bool waits = is_global(node(id)) || (keep_[from] && node(from)->effort() == Effort::products);
        levels_[id] = std::max(levels_[id], levels_[from] + (waits ? 1 : 0));
      }
    schedule_.passes.resize(static_cast<std::size_t>(levels_[p_.graph.output()]) + 1);
    schedule_.passes.back().delivers = true;
    for (const NodeId id : ids) {
      if (is_global(node(id))) pass(levels_[id] - 1).measured.push_back(id);
      if (keep_[id]) pass(levels_[id]).written.push_back(id);
    }
    for (int k = 0; k < static_cast<int>(schedule_.passes.size()); ++k) {
      pass(k).known = PerNode<bool>(p_.graph.size());
      for (const NodeId id : ids) pass(k).known[id] = keep_[id] && levels_[id] < k;
    }
  }
  Pass& pass(int k) { return schedule_.passes[static_cast<std::size_t>(k)]; }

  /// Which pass reads what, and which does so last. What nobody reads isn't kept.
  void find_reads() {
    for (int k = 0; k < static_cast<int>(schedule_.passes.size()); ++k) {
      for (const NodeId id : demand_of(p_.graph, p_.sizes, pass(k).known, targets_of(p_, pass(k), 0, 0)).order) {
        if (!pass(k).known[id]) continue;
        pass(k).read.push_back(id);
        last_read_[id] = k;
      }
    }
    for (int k = 0; k < static_cast<int>(schedule_.passes.size()); ++k) {
      std::erase_if(pass(k).written, [&](NodeId id) { return last_read_[id] < 0; });
      for (const NodeId id : pass(k).read)
        if (last_read_[id] == k) pass(k).last_read.push_back(id);
    }
  }

  /// The tile in the middle stands for all.
  Demand middle(const Pass& pass, std::vector<Target>& targets) const {
    targets = targets_of(p_, pass, pass.grid.rows / 2, pass.grid.columns / 2);
    return demand_of(p_.graph, p_.sizes, pass.known, targets);
  }

  TileCost tile_cost(const Pass& pass) const {
    std::vector<Target> targets;
    const Demand demand = middle(pass, targets);
    TileCost sum;
    for (const Target& target : targets) sum.cost += traffic * values(target.node, target.region);
    PerNode<int> uses(p_.graph.size(), 0);
    const auto is_computed = [&](NodeId id) { return !is_leaf(p_.graph, pass.known, id); };
    for (const NodeId id : demand.order)
      if (is_computed(id))
        for (const NodeId from : node(id).inputs) ++uses[from];
    double alive = 0;
    for (const NodeId id : demand.order) {
      const Region& region = demand.regions[id];
      const double count = values(id, region);
      sum.cost += node(id)->effort() == Effort::none ? 0 : traffic * count;
      double scratch = 0;
      if (is_computed(id)) {
        const double products = node(id)->multiply_adds(static_cast<double>(region.area()));
        sum.cost += products;
        sum.multiply_adds += products;
        scratch = node(id)->scratch_bytes(region, demand.regions[node(id).inputs[0]]);
      }
      alive += 4 * count;
      sum.work_bytes = std::max(sum.work_bytes, alive + scratch);
      if (is_computed(id))
        for (const NodeId from : node(id).inputs)
          if (--uses[from] == 0) alive -= 4 * values(from, demand.regions[from]);
      if (uses[id] == 0) alive -= 4 * count;
    }
    return sum;
  }

  /// Costs of the pass with this grid; whether a tile stays within its bytes.
  bool try_grid(Pass& pass, Grid grid) const {
    pass.grid = grid;
    const TileCost tile = tile_cost(pass);
    const double tiles = static_cast<double>(grid.rows) * grid.columns;
    pass.cost = tile.cost * tiles;
    pass.multiply_adds = tile.multiply_adds * tiles;
    pass.work_bytes = tile.work_bytes;
    return tile.work_bytes <= p_.work_bytes;
  }

  static int parts(int whole, int part) { return (whole + part - 1) / part; }

  void choose_grid(Pass& pass) const {
    const auto [height, width] = size(p_.graph.input());
    if (p_.tile > 0) {
      try_grid(pass, {parts(height, p_.tile), parts(width, p_.tile)});
      return;
    }
    double moved = 0;
    for (const auto& values : {pass.written, pass.last_read})
      for (const NodeId id : values) moved += bytes(id);
    if (moved <= p_.keep_bytes / 16 && try_grid(pass, {1, 1})) return;
    const bool strip_fits = try_strips(pass);
    // Overlaps of many pixels make strips dear.
    Pass square = pass;
    if (try_squares(square) && (!strip_fits || square.cost < 0.85 * pass.cost)) pass = square;
  }
  bool try_strips(Pass& pass) const {
    const auto [height, width] = size(p_.graph.input());
    for (int strip = std::max(least_strip, height / strips); strip >= least_side; strip /= 2)
      for (int columns = 1; columns == 1 || width / columns >= 2 * strip; columns = columns + columns / 2 + 1)
        if (try_grid(pass, {parts(height, strip), columns})) return true;
    return false;
  }
  bool try_squares(Pass& pass) const {
    const auto [height, width] = size(p_.graph.input());
    for (int side = std::max(height, width); side >= least_side; side = side * 4 / 5)
      if (try_grid(pass, {parts(height, side), parts(width, side)})) return true;
    return false;
  }

  /// While a pass goes down the picture, what it writes grows and what it reads for the last time goes: the most is at
  /// one of the ends, and the rows that are still read when others are written already come on top.
  void find_kept_bytes() {
    double before = 0;
    for (std::size_t k = 0; k < schedule_.passes.size(); ++k) {
      const Pass& pass = schedule_.passes[k];
      double after = before, on_top = 0;
      for (const NodeId id : pass.written) after += bytes(id);
      std::vector<Target> targets;
      const Demand demand = pass.last_read.empty() ? Demand{} : middle(pass, targets);
      for (const NodeId id : pass.last_read) {
        after -= bytes(id);
        const int written_rows = parts(size(id).height, this->pass(levels_[id]).grid.rows);
        const int rows = demand.regions[id].rows.size() + written_rows + 2;
        on_top += bytes(id) * std::min(1.0, static_cast<double>(rows) / size(id).height);
      }
      if (const double most = std::max(before, after) + on_top; most > schedule_.kept_bytes) {
        schedule_.kept_bytes = most;
        schedule_.fullest = static_cast<int>(k);
      }
      before = after;
    }
  }

  const Problem& p_;
  const PerNode<bool>& keep_;
  PerNode<int> levels_;     ///< the pass in which a node is computed first
  PerNode<int> last_read_;  ///< the last pass that reads it kept; -1: none
  Schedule schedule_;
};

/// Part `index` of `count` of an axis.
Span share(int size, int index, int count) {
  const auto at = [&](int i) { return static_cast<int>(std::int64_t{size} * i / count); };
  return {at(index), at(index + 1)};
}

}  // namespace

double kept_bytes_of(const Problem& problem, NodeId node, bool half) {
  return static_cast<double>(problem.sizes[node].area()) * problem.graph[node].channels * (half ? 2 : 4);
}

std::vector<Target> targets_of(const Problem& problem, const Pass& pass, int row, int column) {
  std::vector<Target> targets;
  const auto add = [&](NodeId node, Size size) {
    // Two norms may measure one value, which may be kept too.
    for (const Target& target : targets)
      if (target.node == node) return;
    targets.push_back({node, {share(size.height, row, pass.grid.rows), share(size.width, column, pass.grid.columns)}});
  };
  for (const NodeId id : pass.measured) {
    const NodeId from = problem.graph[id].inputs[0];
    add(from, problem.sizes[from]);
  }
  for (const NodeId id : pass.written) add(id, problem.sizes[id]);
  if (pass.delivers) add(problem.graph.output(), problem.delivered);
  return targets;
}

Schedule schedule_with(const Problem& problem, const PerNode<bool>& keep, bool half) {
  return Scheduler(problem, keep, half).run();
}

}  // namespace ganvas::engine
