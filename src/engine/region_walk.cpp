#include "engine/region_walk.hpp"

#include <torch/torch.h>

#include <limits>

#include "ganvas/core/interrupt.hpp"

namespace ganvas::engine {

namespace {

using torch::Tensor;

/// `wanted` of values that cover `there`. The whole is handed on as it is, so that it may be overwritten.
Tensor part(Tensor x, const Region& there, const Region& wanted) {
  if (there == wanted) return x;
  return x.narrow(2, wanted.rows.first - there.rows.first, wanted.rows.size())
      .narrow(3, wanted.columns.first - there.columns.first, wanted.columns.size());
}

/// Convolutions that may run in bf16, one flag a node: those between others. In bf16 the picture itself and what only
/// leads to it would have steps of a whole level of 255. LibTorch has no transposed convolution in bf16 on CPUs.
std::vector<bool> inner_convolutions(const Graph& graph) {
  const std::size_t count = graph.nodes.size();
  std::vector<bool> behind_one(count, false), before_one(count, false), inner(count, false);
  for (std::size_t i = 0; i < count; ++i)
    for (const int from : graph.nodes[i].inputs) {
      const auto place = static_cast<std::size_t>(from);
      if (behind_one[place] || is_convolution(graph.nodes[place])) behind_one[i] = true;
    }
  for (std::size_t i = count; i-- > 0;) {
    for (const int from : graph.nodes[i].inputs)
      if (before_one[i] || is_convolution(graph.nodes[i])) before_one[static_cast<std::size_t>(from)] = true;
    inner[i] = graph.nodes[i].op == Op::convolution && behind_one[i] && before_one[i];
  }
  return inner;
}

}  // namespace

Walk::Walk(const Problem& problem, const Schedule& schedule, bool bf16, WalkFunctions functions)
    : problem_(problem), schedule_(schedule), functions_(std::move(functions)) {
  bf16_ = bf16 ? inner_convolutions(problem.graph) : std::vector<bool>(problem.graph.nodes.size(), false);
  const std::size_t count = problem.graph.nodes.size();
  kept_.resize(count);
  globals_.resize(count);
  moments_.resize(count);
  values_.resize(count);
  uses_.resize(count);
}

void Walk::run() {
  for (const Pass& pass : schedule_.passes) run_pass(pass);
}

void Walk::run_pass(const Pass& pass) {
  for (const int i : pass.measured)
    moments_[static_cast<std::size_t>(i)] = std::make_unique<ChannelMoments>(node(i).channels);
  for (const int i : pass.written)
    kept_[static_cast<std::size_t>(i)] = std::make_unique<KeptValue>(node(i).channels, schedule_.half, bytes_);
  const auto above = forgettable(pass);
  for (int row = 0; row < pass.grid.rows; ++row) {
    for (int column = 0; column < pass.grid.columns; ++column) {
      throw_if_interrupted();
      run_tile(pass, targets_of(problem_, pass, row, column));
      done_ += pass.cost / pass.grid.rows / pass.grid.columns;
      if (functions_.progress) functions_.progress(std::min(1.0, done_ / schedule_.cost));
    }
    for (std::size_t k = 0; k < pass.last_read.size(); ++k)
      kept_[static_cast<std::size_t>(pass.last_read[k])]->forget_above(above[static_cast<std::size_t>(row)][k]);
  }
  for (const int i : pass.last_read) kept_[static_cast<std::size_t>(i)].reset();
  for (const int i : pass.measured) {
    auto& moments = moments_[static_cast<std::size_t>(i)];
    globals_[static_cast<std::size_t>(i)] = {moments->mean(), moments->variance()};
    moments.reset();
  }
}

std::vector<std::vector<int>> Walk::forgettable(const Pass& pass) const {
  const auto rows = static_cast<std::size_t>(pass.grid.rows);
  std::vector<std::vector<int>> above(rows, std::vector<int>(pass.last_read.size(), std::numeric_limits<int>::max()));
  // From the bottom: reflections at the lower border may read what lies above.
  for (std::size_t row = rows - 1; row > 0; --row) {
    // Some planes have fewer columns than there are tiles; the last tile always has one.
    const auto targets = targets_of(problem_, pass, static_cast<int>(row), pass.grid.columns - 1);
    const Demand demand = demand_of(problem_.graph, problem_.sizes, pass.known, targets);
    for (std::size_t k = 0; k < pass.last_read.size(); ++k) {
      const Region& region = demand.regions[static_cast<std::size_t>(pass.last_read[k])];
      above[row - 1][k] = std::min(above[row][k], region.empty() ? above[row][k] : region.rows.first);
    }
  }
  return above;
}

void Walk::run_tile(const Pass& pass, const std::vector<Target>& targets) {
  const Demand demand = demand_of(problem_.graph, problem_.sizes, pass.known, targets);
  std::fill(uses_.begin(), uses_.end(), 0);
  for (const int i : demand.order)
    if (!is_leaf(problem_.graph, pass.known, i))
      for (const int from : node(i).inputs) ++uses_[static_cast<std::size_t>(from)];
  for (const int i : demand.order) {
    const Region& region = demand.regions[static_cast<std::size_t>(i)];
    Tensor values = is_leaf(problem_.graph, pass.known, i) ? leaf(i, region) : computed(i, demand);
    for (const Target& target : targets)
      if (target.node == i && !target.region.empty()) hand_over(pass, target, part(values, region, target.region));
    if (uses_[static_cast<std::size_t>(i)] > 0) values_[static_cast<std::size_t>(i)] = std::move(values);
  }
}

Tensor Walk::leaf(int i, const Region& region) const {
  if (node(i).op == Op::input) return functions_.picture(region);
  if (node(i).op == Op::mean) return globals_[static_cast<std::size_t>(i)].mean.view({1, -1, 1, 1}).clone();
  return kept_[static_cast<std::size_t>(i)]->read(region);
}

Tensor Walk::used(int i) {
  Tensor& values = values_[static_cast<std::size_t>(i)];
  return --uses_[static_cast<std::size_t>(i)] == 0 ? std::move(values) : values;
}

Tensor Walk::computed(int i, const Demand& demand) {
  Evaluation evaluation{.node = node(i),
                        .wanted = demand.regions[static_cast<std::size_t>(i)],
                        .inputs = {},
                        .regions = {},
                        .sizes = {},
                        .globals = &globals_[static_cast<std::size_t>(i)],
                        .bf16 = bf16_[static_cast<std::size_t>(i)]};
  for (std::size_t k = 0; k < node(i).inputs.size(); ++k) {
    const int from = node(i).inputs[k];
    const Size size = problem_.sizes[static_cast<std::size_t>(from)];
    const Region region = source_region(node(i), k, evaluation.wanted, size);
    evaluation.inputs.push_back(part(used(from), demand.regions[static_cast<std::size_t>(from)], region));
    evaluation.regions.push_back(region);
    evaluation.sizes.push_back(size);
  }
  return evaluate(std::move(evaluation));
}

void Walk::hand_over(const Pass& pass, const Target& target, const Tensor& values) {
  for (const int i : pass.measured)
    if (node(i).inputs[0] == target.node) moments_[static_cast<std::size_t>(i)]->add(values);
  if (std::ranges::find(pass.written, target.node) != pass.written.end())
    kept_[static_cast<std::size_t>(target.node)]->write(target.region, values);
  if (pass.delivers && target.node == problem_.graph.output()) functions_.deliver(target.region, values);
}

}  // namespace ganvas::engine
