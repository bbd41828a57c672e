#include "engine/region_schedule.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "engine/region_operators.hpp"

namespace ganvas::engine {

namespace {

/// What moving one value through memory costs, in multiply-adds: CPUs do about ten while one float comes and goes.
constexpr double traffic = 10;
/// Tiles lower than that are mostly overlap; a picture in fewer strips keeps too much of what it is done with.
constexpr int least_strip = 96, strips = 24, least_side = 16;

bool is_global(const Node& n) { return n.op == Op::instance_norm || n.op == Op::mean; }

struct TileCost {
  double cost = 0, multiply_adds = 0, work_bytes = 0;
};

class Scheduler {
 public:
  Scheduler(const Problem& problem, const std::vector<bool>& keep, bool half)
      : p_(problem), keep_(keep), count_(static_cast<int>(problem.graph.nodes.size())) {
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
  const Node& node(int i) const { return p_.graph.nodes[static_cast<std::size_t>(i)]; }
  const Size& size(int i) const { return p_.sizes[static_cast<std::size_t>(i)]; }
  bool kept(int i) const { return keep_[static_cast<std::size_t>(i)]; }
  int& level(int i) { return levels_[static_cast<std::size_t>(i)]; }
  double bytes(int i) const { return kept_bytes_of(p_, i, schedule_.half); }

  /// A node's pass is the first one in which everything before it is known. Statistics are known one pass after their
  /// input; what reads a kept convolution waits for it too, so that its overlaps aren't convolved twice.
  void find_passes() {
    levels_.assign(p_.graph.nodes.size(), 0);
    for (int i = 0; i < count_; ++i)
      for (const int from : node(i).inputs) {
        const bool waits = is_global(node(i)) || (kept(from) && is_convolution(node(from)));
        level(i) = std::max(level(i), level(from) + (waits ? 1 : 0));
      }
    schedule_.passes.resize(static_cast<std::size_t>(level(p_.graph.output())) + 1);
    schedule_.passes.back().delivers = true;
    for (int i = 0; i < count_; ++i) {
      if (is_global(node(i))) pass(level(i) - 1).measured.push_back(i);
      if (kept(i)) pass(level(i)).written.push_back(i);
    }
    for (int k = 0; k < static_cast<int>(schedule_.passes.size()); ++k) {
      pass(k).known.resize(p_.graph.nodes.size());
      for (int i = 0; i < count_; ++i) pass(k).known[static_cast<std::size_t>(i)] = kept(i) && level(i) < k;
    }
  }
  Pass& pass(int k) { return schedule_.passes[static_cast<std::size_t>(k)]; }

  /// Which pass reads what, and which does so last. What nobody reads isn't kept.
  void find_reads() {
    last_read_.assign(p_.graph.nodes.size(), -1);
    for (int k = 0; k < static_cast<int>(schedule_.passes.size()); ++k) {
      for (const int i : demand_of(p_.graph, p_.sizes, pass(k).known, targets_of(p_, pass(k), 0, 0)).order) {
        if (!pass(k).known[static_cast<std::size_t>(i)]) continue;
        pass(k).read.push_back(i);
        last_read_[static_cast<std::size_t>(i)] = k;
      }
    }
    for (int k = 0; k < static_cast<int>(schedule_.passes.size()); ++k) {
      std::erase_if(pass(k).written, [&](int i) { return last_read_[static_cast<std::size_t>(i)] < 0; });
      for (const int i : pass(k).read)
        if (last_read_[static_cast<std::size_t>(i)] == k) pass(k).last_read.push_back(i);
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
    for (const Target& target : targets)
      sum.cost += traffic * static_cast<double>(target.region.area()) * node(target.node).channels;
    std::vector<int> uses(p_.graph.nodes.size(), 0);
    const auto is_computed = [&](int i) { return !is_leaf(p_.graph, pass.known, i); };
    for (const int i : demand.order)
      if (is_computed(i))
        for (const int from : node(i).inputs) ++uses[static_cast<std::size_t>(from)];
    double alive = 0;
    for (const int i : demand.order) {
      const Region& region = demand.regions[static_cast<std::size_t>(i)];
      const auto area = static_cast<double>(region.area());
      const double values = area * node(i).channels;
      sum.cost += node(i).op == Op::pad ? 0 : traffic * values;
      double scratch = 0;
      if (is_computed(i)) {
        const double products = multiply_adds(node(i), area);
        sum.cost += products;
        sum.multiply_adds += products;
        scratch = scratch_bytes(node(i), region, demand.regions[static_cast<std::size_t>(node(i).inputs[0])]);
      }
      alive += 4 * values;
      sum.work_bytes = std::max(sum.work_bytes, alive + scratch);
      if (is_computed(i))
        for (const int from : node(i).inputs)
          if (--uses[static_cast<std::size_t>(from)] == 0)
            alive -=
                4 * static_cast<double>(demand.regions[static_cast<std::size_t>(from)].area()) * node(from).channels;
      if (uses[static_cast<std::size_t>(i)] == 0) alive -= 4 * values;
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
    const auto [height, width] = size(0);
    if (p_.tile > 0) {
      try_grid(pass, {parts(height, p_.tile), parts(width, p_.tile)});
      return;
    }
    double moved = 0;
    for (const auto& values : {pass.written, pass.last_read})
      for (const int i : values) moved += bytes(i);
    if (moved <= p_.keep_bytes / 16 && try_grid(pass, {1, 1})) return;
    const bool strip_fits = try_strips(pass);
    // Overlaps of many pixels make strips dear.
    Pass square = pass;
    if (try_squares(square) && (!strip_fits || square.cost < 0.85 * pass.cost)) pass = square;
  }
  bool try_strips(Pass& pass) const {
    const auto [height, width] = size(0);
    for (int strip = std::max(least_strip, height / strips); strip >= least_side; strip /= 2)
      for (int columns = 1; columns == 1 || width / columns >= 2 * strip; columns = columns + columns / 2 + 1)
        if (try_grid(pass, {parts(height, strip), columns})) return true;
    return false;
  }
  bool try_squares(Pass& pass) const {
    const auto [height, width] = size(0);
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
      for (const int i : pass.written) after += bytes(i);
      std::vector<Target> targets;
      const Demand demand = pass.last_read.empty() ? Demand{} : middle(pass, targets);
      for (const int i : pass.last_read) {
        after -= bytes(i);
        const int written_rows = parts(size(i).height, schedule_.passes[static_cast<std::size_t>(level(i))].grid.rows);
        const int rows = demand.regions[static_cast<std::size_t>(i)].rows.size() + written_rows + 2;
        on_top += bytes(i) * std::min(1.0, static_cast<double>(rows) / size(i).height);
      }
      if (const double most = std::max(before, after) + on_top; most > schedule_.kept_bytes) {
        schedule_.kept_bytes = most;
        schedule_.fullest = static_cast<int>(k);
      }
      before = after;
    }
  }

  const Problem& p_;
  const std::vector<bool>& keep_;
  int count_;
  std::vector<int> levels_, last_read_;
  Schedule schedule_;
};

/// Part `index` of `count` of an axis.
Span share(int size, int index, int count) {
  const auto at = [&](int i) { return static_cast<int>(std::int64_t{size} * i / count); };
  return {at(index), at(index + 1)};
}

}  // namespace

double kept_bytes_of(const Problem& problem, int node, bool half) {
  const auto place = static_cast<std::size_t>(node);
  return static_cast<double>(problem.sizes[place].area()) * problem.graph.nodes[place].channels * (half ? 2 : 4);
}

std::vector<Target> targets_of(const Problem& problem, const Pass& pass, int row, int column) {
  std::vector<Target> targets;
  const auto add = [&](int node, Size size) {
    // Two norms may measure one value, which may be kept too.
    for (const Target& target : targets)
      if (target.node == node) return;
    targets.push_back({node, {share(size.height, row, pass.grid.rows), share(size.width, column, pass.grid.columns)}});
  };
  for (const int i : pass.measured) {
    const int from = problem.graph.nodes[static_cast<std::size_t>(i)].inputs[0];
    add(from, problem.sizes[static_cast<std::size_t>(from)]);
  }
  for (const int i : pass.written) add(i, problem.sizes[static_cast<std::size_t>(i)]);
  if (pass.delivers) add(problem.graph.output(), problem.delivered);
  return targets;
}

Schedule schedule_with(const Problem& problem, const std::vector<bool>& keep, bool half) {
  return Scheduler(problem, keep, half).run();
}

}  // namespace ganvas::engine
