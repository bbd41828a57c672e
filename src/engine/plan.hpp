#pragma once

#include <cstddef>
#include <dnnl.hpp>
#include <functional>
#include <utility>
#include <vector>

#include "engine/graph.hpp"
#include "engine/kernels.hpp"
#include "engine/packed_weights.hpp"
#include "engine/value_forms.hpp"

namespace ganvas::engine {

/// A graph for pictures of one size: oneDNN primitives and kernels in order, every value at its place in one arena.
/// Made by PlanBuilder.
class Plan {
 public:
  Plan(const Graph& graph, int height, int width, Numbers numbers, PackedWeights& weights);
  Plan(const Plan&) = delete;  // steps point here
  Plan& operator=(const Plan&) = delete;

  /// H x W x C pictures in fp32. `arena`: arena_bytes() bytes, aligned to 64.
  void run(std::byte* arena, const float* input, float* output);
  std::size_t arena_bytes() const { return arena_bytes_; }
  int out_channels() const { return out_channels_; }
  int out_height() const { return out_height_; }
  int out_width() const { return out_width_; }

 private:
  friend class PlanBuilder;
  struct Buffer {
    std::size_t bytes = 0;
    int first = -1, last = -1;  ///< steps
    std::size_t offset = 0;
  };
  /// A value's place: in a buffer, or the caller's picture.
  struct Place {
    View view;
    int buffer = -1;
    std::size_t skip = 0;  ///< bytes from the buffer's start
  };
  static constexpr int input_picture = -2, output_picture = -3;

  View at(const Place& place) const;
  void assign_offsets();

  std::vector<Buffer> buffers_;
  std::vector<std::function<void()>> steps_;
  std::vector<std::pair<dnnl::memory, Place>> memories_;
  std::size_t arena_bytes_ = 0;
  int out_channels_ = 0, out_height_ = 0, out_width_ = 0;
  std::byte* arena_ = nullptr;
  const float* input_ = nullptr;
  float* output_ = nullptr;
};

}  // namespace ganvas::engine
