#include "engine/plan/plan.hpp"

#include <algorithm>
#include <numeric>

#include "engine/plan/plan_writer.hpp"

namespace ganvas::engine {

int channel_block() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto wide = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return (isa & wide) == wide ? 16 : 8;
}

std::size_t bytes_of(const View& view) {
  const std::size_t each = view.element == Element::fp32 ? 4 : view.element == Element::bf16 ? 2 : 1;
  return static_cast<std::size_t>(view.size()) * each;
}

Plan::Plan(const Graph& graph, Size picture, Numbers numbers, const Together& together, PackedWeights& weights) {
  const ValueLayouts layouts(graph, picture, numbers, channel_block(), together);
  PlanWriter(*this, graph, layouts, numbers, weights).write();
  result_ = layouts[graph.output()];
  assign_offsets();
}

View Plan::at(const Place& place) const {
  View view = place.view;
  if (place.buffer == input_picture) view.data = const_cast<float*>(input_);
  else if (place.buffer == output_picture) view.data = output_;
  else if (place.buffer >= 0) view.data = arena_ + buffers_[static_cast<std::size_t>(place.buffer)].offset + place.skip;
  return view;
}

/// Buffers whose steps overlap get different places; large ones choose first (Pisarchyk and Lee 2020, "greedy by
/// size").
void Plan::assign_offsets() {
  std::vector<std::size_t> order(buffers_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return buffers_[a].bytes > buffers_[b].bytes; });
  std::vector<std::size_t> placed;
  for (const std::size_t i : order) {
    Buffer& buffer = buffers_[i];
    std::size_t offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (const std::size_t k : placed) {
        const Buffer& other = buffers_[k];
        const bool together = buffer.first <= other.last && other.first <= buffer.last;
        if (!together || offset + buffer.bytes <= other.offset || other.offset + other.bytes <= offset) continue;
        offset = (other.offset + other.bytes + 63) / 64 * 64;
        moved = true;
      }
    }
    buffer.offset = offset;
    arena_bytes_ = std::max(arena_bytes_, offset + buffer.bytes);
    placed.push_back(i);
  }
}

void Plan::run(std::byte* arena, const float* input, float* output) {
  input_ = input;
  output_ = output;
  if (arena != arena_) {
    arena_ = arena;
    for (auto& [mem, place] : memories_) mem.set_data_handle(at(place).data, stream());
  }
  std::vector<View> views;
  for (const Step& step : steps_) {
    views.clear();
    for (const Place& place : step.from) views.push_back(at(place));
    step.run(views, at(step.to));
  }
  stream().wait();
}

}  // namespace ganvas::engine
