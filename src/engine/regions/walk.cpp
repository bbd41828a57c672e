#include "engine/regions/walk.hpp"

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

/// Convolutions that may run in bf16: those between others. In bf16 the picture itself and what only leads to it would
/// have steps of a whole level of 255. LibTorch has no transposed convolution in bf16 on CPUs.
PerNode<bool> inner_convolutions(const Graph& graph) {
  PerNode<bool> behind_one(graph.size(), false), before_one(graph.size(), false), inner(graph.size(), false);
  for (const NodeId id : graph.ids())
    for (const NodeId from : graph[id].inputs)
      if (behind_one[from] || as_any_convolution(graph[from])) behind_one[id] = true;
  for (const NodeId id : graph.ids_backwards()) {
    for (const NodeId from : graph[id].inputs)
      if (before_one[id] || as_any_convolution(graph[id])) before_one[from] = true;
    inner[id] = as<Convolution>(graph[id]) && behind_one[id] && before_one[id];
  }
  return inner;
}

/// As evaluations have them: one picture's.
Tensor of_one_picture(const Tensor& values) { return values.view({1, -1}); }

}  // namespace

Walk::Walk(const Problem& problem, const Schedule& schedule, bool bf16, WalkFunctions functions)
    : problem_(problem),
      schedule_(schedule),
      bf16_(bf16 ? inner_convolutions(problem.graph) : PerNode<bool>(problem.graph.size(), false)),
      functions_(std::move(functions)),
      kept_(problem.graph.size()),
      globals_(problem.graph.size()),
      moments_(problem.graph.size()),
      values_(problem.graph.size()),
      uses_(problem.graph.size()) {}

void Walk::run() {
  for (const Pass& pass : schedule_.passes) run_pass(pass);
}

void Walk::run_pass(const Pass& pass) {
  for (const NodeId id : pass.measured)
    moments_[id] = std::make_unique<ChannelMoments>(node(node(id).inputs[0]).channels);
  for (const NodeId id : pass.written)
    kept_[id] = std::make_unique<KeptValue>(node(id).channels, schedule_.half, bytes_);
  const auto above = forgettable(pass);
  for (int row = 0; row < pass.grid.rows; ++row) {
    for (int column = 0; column < pass.grid.columns; ++column) {
      throw_if_interrupted();
      run_tile(pass, targets_of(problem_, pass, row, column));
      done_ += pass.cost / pass.grid.rows / pass.grid.columns;
      if (functions_.progress) functions_.progress(std::min(1.0, done_ / schedule_.cost));
    }
    for (std::size_t k = 0; k < pass.last_read.size(); ++k)
      kept_[pass.last_read[k]]->forget_above(above[static_cast<std::size_t>(row)][k]);
  }
  for (const NodeId id : pass.last_read) kept_[id].reset();
  for (const NodeId id : pass.measured) {
    globals_[id] = {of_one_picture(moments_[id]->mean()), of_one_picture(moments_[id]->variance())};
    moments_[id].reset();
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
      const Region& region = demand.regions[pass.last_read[k]];
      above[row - 1][k] = std::min(above[row][k], region.empty() ? above[row][k] : region.rows.first);
    }
  }
  return above;
}

void Walk::run_tile(const Pass& pass, const std::vector<Target>& targets) {
  const Demand demand = demand_of(problem_.graph, problem_.sizes, pass.known, targets);
  std::ranges::fill(uses_, 0);
  for (const NodeId id : demand.order)
    if (!is_leaf(problem_.graph, pass.known, id))
      for (const NodeId from : node(id).inputs) ++uses_[from];
  for (const NodeId id : demand.order) {
    const Region& region = demand.regions[id];
    Tensor values = is_leaf(problem_.graph, pass.known, id) ? leaf(id, region) : computed(id, demand);
    for (const Target& target : targets)
      if (target.node == id && !target.region.empty()) hand_over(pass, target, part(values, region, target.region));
    if (uses_[id] > 0) values_[id] = std::move(values);
  }
}

Tensor Walk::leaf(NodeId id, const Region& region) const {
  if (id == problem_.graph.input()) return functions_.picture(region);
  if (node(id)->statistics() == Statistics::alone) {
    Evaluation evaluation;
    evaluation.channels = node(id).channels;
    evaluation.wanted = region;
    evaluation.globals = &globals_[id];
    return node(id)->evaluate(evaluation);
  }
  return kept_[id]->read(region);
}

Tensor Walk::used(NodeId id) { return --uses_[id] == 0 ? std::move(values_[id]) : values_[id]; }

Tensor Walk::computed(NodeId id, const Demand& demand) {
  const Node& n = node(id);
  Evaluation evaluation;
  evaluation.channels = n.channels;
  evaluation.wanted = demand.regions[id];
  evaluation.globals = &globals_[id];
  evaluation.bf16 = bf16_[id];
  for (std::size_t k = 0; k < n.inputs.size(); ++k) {
    const NodeId from = n.inputs[k];
    const Size size = problem_.sizes[from];
    const Region region = source_region(n, k, evaluation.wanted, size);
    evaluation.inputs.push_back(part(used(from), demand.regions[from], region));
    evaluation.regions.push_back(region);
    evaluation.sizes.push_back(size);
  }
  return n->evaluate(evaluation);
}

void Walk::hand_over(const Pass& pass, const Target& target, const Tensor& values) {
  for (const NodeId id : pass.measured)
    if (node(id).inputs[0] == target.node) moments_[id]->add(values);
  if (std::ranges::find(pass.written, target.node) != pass.written.end())
    kept_[target.node]->write(target.region, values);
  if (pass.delivers && target.node == problem_.graph.output()) functions_.deliver(target.region, values);
}

}  // namespace ganvas::engine
