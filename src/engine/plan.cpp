#include "engine/plan.hpp"

#include <algorithm>
#include <numeric>

#include "engine/plan_builder.hpp"

namespace ganvas::engine {

Plan::Plan(const Graph& graph, int height, int width, Numbers numbers, PackedWeights& weights) {
  build_plan(*this, graph, height, width, numbers, weights);
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
  for (const auto& run_step : steps_) run_step();
  stream().wait();
}

}  // namespace ganvas::engine
