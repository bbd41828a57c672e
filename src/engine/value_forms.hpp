#pragma once

#include <vector>

#include "engine/graph.hpp"
#include "engine/kernels.hpp"
#include "engine/strips.hpp"

namespace ganvas::engine {

/// What a plan computes in.
struct Numbers {
  Element features = Element::fp32;  ///< or bf16; pictures stay fp32
  bool int8 = false;                 ///< integers for the convolutions that are calibrated (int8.hpp)
};

/// In which form every value of a graph lies, for pictures of one size: its precision, and how many channels of a pixel
/// lie together.
class ValueForms {
 public:
  ValueForms(const Graph& graph, int height, int width, Numbers numbers);

  /// Without data.
  const View& operator[](int i) const { return views_[static_cast<std::size_t>(i)]; }
  /// Channels that lie together unless a value says otherwise: what the widest instructions of this machine take.
  int block() const { return block_; }
  /// Whether it is computed strip by strip.
  bool in_strips(int i) const { return strips_.in_strips[static_cast<std::size_t>(i)]; }
  /// Whether the convolution reads and writes all channels of a pixel together.
  bool is_together(int i) const { return in_strips(i) || strips_.follows[static_cast<std::size_t>(i)]; }
  /// In bf16: whether this convolution gets `from` as rounded values and what rounding took away (split_halves).
  bool splits(const Node& node, const View& from) const;
  /// Of a value that is kept as integers, what its readers expect; else nothing.
  Int8Scale scale_of(int i) const;

 private:
  int count() const { return static_cast<int>(graph_.nodes.size()); }
  const Node& node(int i) const { return graph_.nodes[static_cast<std::size_t>(i)]; }
  View& view(int i) { return views_[static_cast<std::size_t>(i)]; }

  void find_sizes(int height, int width);
  void find_half();
  void find_strips();
  void find_int8();

  const Graph& graph_;
  int block_;
  std::vector<View> views_;
  StripChoice strips_;
};

}  // namespace ganvas::engine
