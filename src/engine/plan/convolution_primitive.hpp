#pragma once

#include <dnnl.hpp>
#include <optional>
#include <string>

#include "engine/graph/graph.hpp"
#include "engine/plan/packed_weights.hpp"

namespace ganvas::engine {

/// A convolution as one oneDNN primitive with its weights.
struct PreparedConvolution {
  dnnl::primitive primitive;
  dnnl::memory weights, bias;
  dnnl::memory::desc from, to;
  bool activation_left = false;  ///< though is_fused(), this primitive leaves it to a step of its own
  bool reference = false;        ///< oneDNN has only the obvious loops for it, slower by two orders of magnitude
};

/// How a convolution meets its values.
struct ConvolutionUse {
  View from, to;       ///< without data
  bool split = false;  ///< `from` holds each channel's rounded value and what rounding took away (split_halves())
  Int8Scale from_scale, to_scale;
  bool together = false;  ///< all channels of a pixel lie together, as integers do always
  bool residual = false;  ///< the result is added to what is at `to`
  int above = -1;         ///< rows of padding before the first; -1: the convolution's own
};

/// Whether the activation can be part of a primitive; otherwise it is a step of its own.
bool is_fused(const ActivationFunction& activation);

/// `id`: the node's, for the cache of weights.
PreparedConvolution prepare_convolution(NodeId id, const AnyConvolution& conv, const ConvolutionUse& use,
                                        PackedWeights& weights);

/// The same where oneDNN computes it by Winograd's F(4x4, 3x3), in fp32 alone: the fastest there is.
std::optional<PreparedConvolution> prepare_by_winograd(NodeId id, const AnyConvolution& conv, const ConvolutionUse& use,
                                                       PackedWeights& weights);

/// What oneDNN takes for it (dnnl_impl_info_str), without making it; empty: it has nothing.
std::string implementation_of(const AnyConvolution& conv, const ConvolutionUse& use);

}  // namespace ganvas::engine
