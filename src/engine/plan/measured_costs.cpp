#include "engine/plan/measured_costs.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <span>

#include "engine/kernels/kernels.hpp"
#include "engine/plan/candidates.hpp"
#include "engine/plan/plan.hpp"

namespace ganvas::engine {

namespace {

/// Multiplications and additions of one timing on each thread: about a millisecond.
constexpr double timed_operations = 1e8;
/// For what isn't timed: a second's, and the bytes that are read and written.
constexpr double guessed_operations = 100e9, guessed_bytes = 4e9;
/// Seconds of making oneDNN's code and packing weights, roughly.
constexpr double preparing = 1e-3;

/// Memory of oneDNN's with zeros, as kernels see it.
struct TimedMemory {
  explicit TimedMemory(const dnnl::memory::desc& desc) : memory(desc, cpu()) {
    std::fill_n(static_cast<std::byte*>(memory.get_data_handle()), desc.get_size(), std::byte{0});
  }
  dnnl::memory memory;
};

/// So few rows that the work is short, of a source and a result that fit each other.
void cut_rows(const Node& node, double operations, ConvolutionUse& use) {
  const double most = timed_operations * at::get_num_threads();
  const int extent = as_any_convolution(node)->extent(down);
  const int rows = static_cast<int>(use.from.height * std::min(1.0, most / std::max(operations, 1.0)));
  use.from.height = std::min(use.from.height, std::max(rows, std::max(extent, 8)));
  use.to.height = node->side(down, use.from.height);
}

}  // namespace

MeasuredCosts::MeasuredCosts(const Graph& graph, const ValueLayouts& layouts, Numbers numbers, Stopwatch stopwatch,
                             double most_seconds)
    : graph_(graph), layouts_(layouts), numbers_(numbers), stopwatch_(std::move(stopwatch)), left_(most_seconds) {
  seconds_a_byte_ = copying_rate();
}

/// Of a value of 64 channels from blocks to all together.
double MeasuredCosts::copying_rate() {
  View blocks{nullptr, 64, 64, 64, channel_block(), Element::fp32}, together = blocks;
  together.block = together.channels;
  std::vector<float> from(static_cast<std::size_t>(blocks.size())), to(from);
  blocks.data = from.data();
  together.data = to.data();
  const double bytes = 4 * static_cast<double>(blocks.size());
  const auto seconds = robust_seconds(stopwatch_, {-1, true, bytes}, [&] { convert(blocks, together); });
  return seconds ? *seconds / bytes : 1 / guessed_bytes;
}

double MeasuredCosts::convolution(NodeId id, bool together) {
  const std::string kind = kind_of(id, together);
  if (!known_.contains(kind)) measure_both(id);
  Row& row = rows_[known_.at(kind)];
  if (asked_.emplace(id, together).second) ++row.count;
  return row.seconds + with_activation(id, together);
}

std::string MeasuredCosts::kind_of(NodeId id, bool together) const {
  return signature(*as_any_convolution(graph_[id]), candidate(graph_, layouts_, numbers_, id, together));
}

/// In both layouts, or guesses for both: a time against a guess would decide for nothing.
void MeasuredCosts::measure_both(NodeId id) {
  const std::size_t first = rows_.size();
  for (const bool together : {true, false}) {
    if (!together && layouts_.is_together(id)) continue;  // integers
    known_[kind_of(id, together)] = rows_.size();
    rows_.push_back(measured(id, together));
  }
  const std::span<Row> both(rows_.begin() + static_cast<std::ptrdiff_t>(first), rows_.end());
  if (std::ranges::all_of(both, [](const Row& row) { return row.timed || row.implementation.empty(); })) return;
  for (Row& row : both) {
    row.timed = false;
    if (!row.implementation.empty()) row.seconds = guessed(id);
  }
}

/// An activation that isn't the primitive's: a pass over memory, or behind every strip while that is in the cache.
double MeasuredCosts::with_activation(NodeId id, bool together) const {
  const AnyConvolution& conv = *as_any_convolution(graph_[id]);
  if (is_fused(conv.activation)) return 0;
  const double pass = static_cast<double>(bytes_of(layouts_[id])) * seconds_a_byte_;
  const bool strips = together && conv.activation.curve == Curve::prelu && fits_strips(graph_[id]);
  return strips ? pass / 4 : pass;
}

double MeasuredCosts::guessed(NodeId id) const {
  const View& result = layouts_[id];
  return 2 * graph_[id]->multiply_adds(static_cast<double>(result.height) * result.width) / guessed_operations;
}

MeasuredCosts::Row MeasuredCosts::measured(NodeId id, bool together) {
  const AnyConvolution& conv = *as_any_convolution(graph_[id]);
  ConvolutionUse use = candidate(graph_, layouts_, numbers_, id, together);
  Row row{id, together, implementation_of(conv, use), std::numeric_limits<double>::infinity(), false, 0};
  if (row.implementation.empty()) return row;
  const double whole = 2 * graph_[id]->multiply_adds(static_cast<double>(use.to.height) * use.to.width);
  row.seconds = guessed(id);
  if (left_ <= 0) return row;
  // By the stopwatch as well, which tests pretend.
  const Stopwatch counting = [&](const Timed& what, const std::function<void()>& work) {
    const double seconds = stopwatch_(what, work);
    if (seconds > 0) left_ -= seconds;
    return seconds;
  };
  cut_rows(graph_[id], whole, use);
  const double part = 2 * graph_[id]->multiply_adds(static_cast<double>(use.to.height) * use.to.width);
  PackedWeights weights;  // the plan's own would keep what isn't chosen
  const PreparedConvolution made = prepare_convolution(id, conv, use, weights);
  left_ -= preparing;
  const TimedMemory from(made.from), to(made.to);
  const auto seconds = robust_seconds(counting, {static_cast<int>(id.index()), together, part}, [&] {
    made.primitive.execute(stream(), {{DNNL_ARG_SRC, from.memory},
                                      {DNNL_ARG_WEIGHTS, made.weights},
                                      {DNNL_ARG_BIAS, made.bias},
                                      {DNNL_ARG_DST, to.memory}});
    stream().wait();
  });
  if (!seconds) return row;
  row.seconds = *seconds * whole / part;
  if (made.activation_left) row.seconds += static_cast<double>(bytes_of(layouts_[id])) * seconds_a_byte_;
  row.timed = true;
  return row;
}

}  // namespace ganvas::engine
