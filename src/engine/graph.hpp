#pragma once

#include <torch/types.h>

#include <array>
#include <string>
#include <vector>

#include "engine/operators.hpp"
#include "ganvas/nn/generator.hpp"

/// A network as a graph of few operators, each on one picture of C x H x W, for any H and W.
namespace ganvas::engine {

enum class Op {
  input,
  convolution,             ///< inputs: x [, residual]: activation(conv(x) + beta * residual)
  transposed_convolution,  ///< as convolution
  activation,
  add,            ///< alpha * a + beta * b
  multiply,       ///< a * b; b may be C x 1 x 1
  affine,         ///< a * scale + shift, of one value or one a channel
  concat,         ///< along the channels
  pixel_shuffle,  ///< inputs: x [, base]: the base's nearest-neighbour enlargement is added
  pixel_unshuffle,
  nearest,
  bilinear,
  pad,
  instance_norm,
  mean  ///< over all pixels: C x 1 x 1
};

struct Node {
  Op op = Op::input;
  std::vector<int> inputs;  ///< indices of earlier nodes
  int channels = 0;         ///< of the result

  torch::Tensor weight, bias;  ///< O x I/groups x h x w (transposed: I x O/groups x h x w), O; fp32
  std::array<int, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1}, output_padding{0, 0};  ///< down, across
  int groups = 1;

  Int8Scale scale_in;        ///< of a convolution's input, where it runs in int8 (int8.hpp)
  torch::Tensor correction;  ///< then added to the bias, one a channel

  Activation activation = Activation::none;
  double slope = 0;      ///< of leaky_relu
  torch::Tensor slopes;  ///< of prelu, one a channel

  double alpha = 1, beta = 1;
  torch::Tensor scale, shift;  ///< of affine: 1 or C values

  int factor = 1;        ///< of pixel_(un)shuffle, nearest
  bool grouped = false;  ///< of pixel_shuffle: channels come as (row, column, channel), not (channel, row, column)
  double factor_down = 1, factor_across = 1;  ///< of bilinear
  bool align_corners = false;
  std::array<int, 4> border{};  ///< of pad: left, right, top, bottom
  Border border_kind = Border::zero;
  double eps = 1e-5;  ///< of instance_norm
};

inline bool is_convolution(const Node& node) {
  return node.op == Op::convolution || node.op == Op::transposed_convolution;
}

/// Nodes in an order in which they can run; node 0 is the input, the last one the output.
struct Graph {
  std::vector<Node> nodes;
  int output() const { return static_cast<int>(nodes.size()) - 1; }
};

/// How often each node is used; the output counts once.
std::vector<int> use_counts(const Graph& graph);

/// Traces the network (fp32, evaluation mode) and translates the trace. Throws Error(model) that names the first
/// operator or use of one that isn't known here.
Graph trace(Generator& network);

/// Order of the channels before a pixel shuffle: (channel, row, column), or (row, column, channel), which moves whole
/// runs of memory (Node::grouped).
enum class ShuffleOrder { published, grouped };

/// Fewer nodes with the same result: constant factors and batch norms into convolutions, activations and residual
/// additions onto them, what nobody uses away.
Graph fold(Graph graph, ShuffleOrder order = ShuffleOrder::grouped);

}  // namespace ganvas::engine
