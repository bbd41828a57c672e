#pragma once

#include "engine/graph/graph.hpp"
#include "engine/layouts/strips.hpp"

namespace ganvas::engine {

/// What a plan computes in.
struct Numbers {
  Element features = Element::fp32;  ///< or bf16; pictures stay fp32
  bool int8 = false;                 ///< integers for the convolutions that are calibrated (int8.hpp)
};

/// How every value of a graph lies in memory, for pictures of one size: its precision, and how many channels of a pixel
/// lie together.
class ValueLayouts {
 public:
  /// `block`: channels that lie together unless a value says otherwise.
  ValueLayouts(const Graph& graph, Size picture, Numbers numbers, int block);

  /// Without data.
  const View& operator[](NodeId id) const { return views_[id]; }
  int block() const { return block_; }
  /// Whether it is computed strip by strip.
  bool in_strips(NodeId id) const { return strips_.in_strips[id]; }
  /// Whether the convolution reads and writes all channels of a pixel together.
  bool is_together(NodeId id) const { return in_strips(id) || strips_.follows[id]; }
  /// In bf16: whether this convolution gets `from` as rounded values and what rounding took away (split_halves).
  bool splits(const Node& node, const View& from) const;
  /// Of a value that is kept as integers, what its readers expect; else nothing.
  Int8Scale scale_of(NodeId id) const;

 private:
  void find_half();
  void find_strips();
  void find_int8();

  const Graph& graph_;
  int block_;
  PerNode<View> views_;
  StripChoice strips_;
};

}  // namespace ganvas::engine
