#pragma once

#include <dnnl.hpp>

#include "engine/graph.hpp"
#include "engine/kernels.hpp"
#include "engine/packed_weights.hpp"

namespace ganvas::engine {

/// A convolution as one oneDNN primitive with its weights.
struct PreparedConvolution {
  dnnl::primitive primitive;
  dnnl::memory weights, bias;
  dnnl::memory::desc from, to;
};

/// How a convolution's node meets its values.
struct ConvolutionUse {
  View from, to;       ///< without data
  bool split = false;  ///< `from` holds each channel's rounded value and what rounding took away (split_halves())
  Int8Scale from_scale, to_scale;
  bool together = false;  ///< all channels of a pixel lie together, as integers do always
  int above = -1;         ///< rows of padding before the first; -1: the node's own
};

/// Residual sums and activations are fused, but for PReLU (strips.hpp). `index`: the node's, for the cache of weights.
PreparedConvolution prepare_convolution(int index, const Node& node, const ConvolutionUse& use, PackedWeights& weights);

}  // namespace ganvas::engine
