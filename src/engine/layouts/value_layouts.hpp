#pragma once

#include "engine/graph/graph.hpp"
#include "engine/layouts/strips.hpp"

namespace ganvas::engine {

/// What a plan computes in.
struct Numbers {
  Element features = Element::fp32;  ///< or bf16; pictures stay fp32
  bool int8 = false;                 ///< integers for the convolutions that are calibrated (int8.hpp)
};

/// Which values have all channels of a pixel together (nhwc); the others lie in blocks.
using Together = PerNode<bool>;
/// Blocks but for strips (strips.hpp), unless Winograd's method (winograd.hpp) saves more than these: what is best
/// where convolutions like both layouts alike.
Together blocks_with_strips(const Graph& graph, Numbers numbers, int block);

/// How every value of a graph lies in memory, for pictures of one size: its precision, and how many channels of a pixel
/// lie together.
class ValueLayouts {
 public:
  /// `block`: channels that lie together unless a value says otherwise; `together`: one a node.
  ValueLayouts(const Graph& graph, Size picture, Numbers numbers, int block, Together together);

  /// Without data.
  const View& operator[](NodeId id) const { return views_[id]; }
  int block() const { return block_; }
  /// Whether it is computed strip by strip.
  bool in_strips(NodeId id) const { return in_strips_[id]; }
  /// Whether it has all channels of a pixel together. A convolution reads what it writes.
  bool is_together(NodeId id) const { return together_[id]; }
  /// How the value lies where it is, or isn't, together.
  View laid(NodeId id, bool together) const;
  /// In bf16: whether this convolution gets `from` as rounded values and what rounding took away (split_halves).
  bool splits(const Node& node, const View& from) const;
  /// Of a value that is kept as integers, what its readers expect; else nothing.
  Int8Scale scale_of(NodeId id) const;

 private:
  void find_half();
  void place_together(NodeId id);
  void find_int8();

  const Graph& graph_;
  int block_;
  PerNode<View> views_;
  Together together_;
  PerNode<bool> in_strips_;
};

}  // namespace ganvas::engine
