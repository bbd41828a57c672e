#include "ganvas/engine/region_runner.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <new>

#include "engine/check_picture.hpp"
#include "engine/graph/trace.hpp"
#include "engine/regions/schedule.hpp"
#include "engine/regions/walk.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/nn/precision.hpp"

namespace ganvas {

namespace {

using engine::Size;
using torch::Tensor;

/// Largest difference that may be seen in the first comparison, relative to the largest value.
constexpr double comparison_tolerance = 1e-4;

/// Which row (or column) of `size` a place of the extended picture shows: behind the end its reflection, and where the
/// picture is too small for that, the first one again and again, as pad_to_multiple() has it.
int extended_source(int place, int size) { return place < size ? place : std::max(0, 2 * (size - 1) - place); }

/// A part of the picture that is extended at the bottom and right.
Tensor extended_part(const RegionRunner::Source& source, Size picture, const engine::Region& region) {
  std::vector<std::int64_t> places[2];
  engine::Span read[2];
  for (const engine::Axis axis : engine::axes) {
    const engine::Span span = along(region, axis);
    const int size = along(picture, axis);
    for (int i = span.first; i < span.end; ++i) {
      const int place = extended_source(i, size);
      places[axis].push_back(place);
      read[axis] = i == span.first ? engine::Span{place, place + 1} : united(read[axis], {place, place + 1});
    }
  }
  Tensor values = source({read[1].first, read[0].first, read[1].size(), read[0].size()}).to(torch::kFloat);
  for (const engine::Axis axis : engine::axes) {
    if (read[axis].size() == along(region, axis).size() && read[axis].first == places[axis][0]) continue;
    for (auto& place : places[axis]) place -= read[axis].first;
    values = values.index_select(static_cast<std::int64_t>(axis) + 2, torch::tensor(places[axis]));
  }
  // A copy: operators overwrite what nobody else seems to have, and a tensor may be a view of the caller's memory.
  return values.clone(at::MemoryFormat::ChannelsLast);
}

}  // namespace

struct RegionRunner::State {
  engine::Graph graph;
  GeneratorInfo info;

  struct Plan {
    engine::Problem problem;
    engine::Schedule schedule;
    Size picture, extended;
  };

  Plan plan(Size picture, const RegionOptions& options) const {
    const Size extended = rounded_up(picture, fitting_multiple(graph, picture, outer_multiple(graph, info.multiple)));
    Plan plan{{.graph = graph,
               .sizes = result_sizes(graph, extended),
               .delivered = {picture.height * info.scale, picture.width * info.scale},
               .keep_bytes = static_cast<double>(options.keep_bytes),
               .work_bytes = static_cast<double>(options.work_bytes),
               .tile = options.tile},
              {},
              picture,
              extended};
    const Size output = plan.problem.sizes.back();
    if (output.height < plan.problem.delivered.height || output.width < plan.problem.delivered.width)
      fail(ErrorKind::model, "this network makes {} x {} pixels of {} x {}, not {} times as many", output.width,
           output.height, extended.width, extended.height, info.scale);
    const bool half = options.kept == KeptPrecision::fp16;
    plan.schedule = choose_schedule(plan.problem, half);
    if (options.kept == KeptPrecision::automatic) {
      engine::Schedule other = choose_schedule(plan.problem, true);
      if (other.cost < 0.95 * plan.schedule.cost) plan.schedule = std::move(other);
    }
    return plan;
  }

  RegionStatistics statistics(const Plan& plan) const {
    RegionStatistics result;
    result.passes = static_cast<int>(plan.schedule.passes.size());
    result.kept_bytes = static_cast<std::uint64_t>(plan.schedule.kept_bytes);
    for (const engine::Pass& pass : plan.schedule.passes) {
      result.kept += static_cast<int>(pass.written.size());
      result.multiply_adds += pass.multiply_adds;
      result.work_bytes = std::max(result.work_bytes, static_cast<std::uint64_t>(pass.work_bytes));
    }
    result.kept_in_fp16 = result.kept > 0 && plan.schedule.half;
    for (const engine::NodeId id : graph.ids())
      result.plain_multiply_adds += graph[id]->multiply_adds(static_cast<double>(plan.problem.sizes[id].area()));
    return result;
  }

  /// A plan for which the free memory suffices: smaller tiles and less to keep where it is short.
  Plan affordable_plan(Size picture, RegionOptions options) const {
    const std::uint64_t available = available_memory();
    options.work_bytes = std::min(options.work_bytes, available / 4);
    options.keep_bytes = std::min(options.keep_bytes, available / 2);
    Plan result = plan(picture, options);
    const RegionStatistics costs = statistics(result);
    if (costs.kept_bytes + costs.work_bytes > available) throw std::bad_alloc();
    return result;
  }
};

bool RegionRunner::local() const {
  constexpr int side = 9600;  // divides by many windows
  for (const engine::Node& node : state_->graph)
    for (std::size_t k = 0; k < node.inputs.size(); ++k)
      for (const engine::Axis axis : engine::axes)
        if (node->source(k, axis, {0, 1}, side).size() >= side) return false;
  return true;
}

RegionRunner::RegionRunner(std::unique_ptr<State> state) : state_(std::move(state)) {}
RegionRunner::~RegionRunner() = default;

std::unique_ptr<RegionRunner> RegionRunner::compile(Generator& network, std::string& why) {
  try {
    auto state = std::make_unique<State>();
    state->graph = engine::fold(engine::trace(network));
    state->info = network.info();
    for (engine::Node& node : state->graph) {
      engine::AnyConvolution* conv = as_any_convolution(node);
      if (!conv) continue;
      conv->weight = conv->weight.contiguous(at::MemoryFormat::ChannelsLast);
      // Paddings wider than the kernel would read nothing but zeros, which regions of at least one pixel can't.
      for (const engine::Axis axis : engine::axes)
        if (conv->padding[axis] >= conv->extent(axis))
          fail(ErrorKind::model, "a convolution is padded by more than its reach");
    }
    std::unique_ptr<RegionRunner> made(new RegionRunner(std::move(state)));
    const torch::NoGradGuard no_grad;
    const Tensor picture = engine::check_picture(network.info()), expected = network.forward(picture);
    Tensor result = torch::zeros_like(expected);
    const auto source = [&](const PictureRegion& r) {
      return picture.narrow(2, r.y, r.height).narrow(3, r.x, r.width);
    };
    const auto sink = [&](const PictureRegion& r, const Tensor& values) {
      result.narrow(2, r.y, r.height).narrow(3, r.x, r.width).copy_(values);
    };
    const auto side = [&](std::int64_t dimension) { return static_cast<int>(picture.size(dimension)); };
    made->run(side(2), side(3), source, sink, {.tile = side(3) / 2 + 1, .kept = KeptPrecision::fp32});
    const double difference =
        (result - expected).abs().max().item<double>() / std::max(expected.abs().max().item<double>(), 1e-30);
    if (difference <= comparison_tolerance) return made;
    why = fmt::format("the network in parts differs by {:.2g}", difference);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) throw;
    why = error.what();
  } catch (const std::exception& error) {
    why = error.what();
  }
  return nullptr;
}

RegionStatistics RegionRunner::run(int height, int width, const Source& source, const Sink& sink,
                                   const RegionOptions& options, const ProgressFunction& progress) {
  for (;;) try {
      return run_once(height, width, source, sink, options, progress);
    } catch (const engine::ReachExceeded& reach) {
      // Sampled far from where it begins: once more with room for that, and for twice as much.
      for (engine::Node& node : state_->graph)
        if (auto* sampled = as<engine::Sampled>(node)) sampled->reach = 2 * reach.needed;
    }
}

RegionStatistics RegionRunner::run_once(int height, int width, const Source& source, const Sink& sink,
                                        const RegionOptions& options, const ProgressFunction& progress) {
  const torch::NoGradGuard no_grad;
  const State::Plan plan = state_->affordable_plan({height, width}, options);
  RegionStatistics result = state_->statistics(plan);
  engine::Walk walk(
      plan.problem, plan.schedule, options.bf16 && cpu_has_fast_bf16(),
      {.picture = [&](const engine::Region& region) { return extended_part(source, plan.picture, region); },
       .deliver =
           [&](const engine::Region& region, const Tensor& values) {
             sink({region.columns.first, region.rows.first, region.columns.size(), region.rows.size()},
                  values.contiguous(at::MemoryFormat::ChannelsLast));
           },
       .progress = progress});
  walk.run();
  result.kept_bytes = walk.most_kept_bytes();
  return result;
}

RegionStatistics RegionRunner::estimate(int height, int width, const RegionOptions& options) const {
  return state_->statistics(state_->plan({height, width}, options));
}

}  // namespace ganvas
