#pragma once

#include <cstddef>
#include <dnnl.hpp>
#include <utility>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/layouts/value_layouts.hpp"
#include "engine/plan/packed_weights.hpp"

namespace ganvas::engine {

/// A graph for pictures of one size: oneDNN primitives and kernels in order, every value at its place in one arena.
class Plan {
 public:
  Plan(const Graph& graph, Size picture, Numbers numbers, const Together& together, PackedWeights& weights);

  /// H x W x C pictures in fp32. `arena`: arena_bytes() bytes, aligned to 64.
  void run(std::byte* arena, const float* input, float* output);
  std::size_t arena_bytes() const { return arena_bytes_; }
  const View& result() const { return result_; }  ///< without data

 private:
  friend class PlanWriter;
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
  struct Step {
    std::vector<Place> from;
    Place to;
    Kernel run;
  };

  View at(const Place& place) const;
  void assign_offsets();

  std::vector<Buffer> buffers_;
  std::vector<Step> steps_;
  std::vector<std::pair<dnnl::memory, Place>> memories_;
  std::size_t arena_bytes_ = 0;
  View result_;
  std::byte* arena_ = nullptr;
  const float* input_ = nullptr;
  float* output_ = nullptr;
};

/// Channels that lie together in blocks: what the widest instructions of this machine take.
int channel_block();

std::size_t bytes_of(const View& view);

}  // namespace ganvas::engine
