#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/kernels/patch.hpp"
#include "engine/operators/operator.hpp"

/// What evaluations by LibTorch share.
namespace ganvas::engine {

inline constexpr auto channels_last = at::MemoryFormat::ChannelsLast;

/// LibTorch's dimension of an axis.
inline std::int64_t dimension(Axis axis) { return static_cast<std::int64_t>(axis) + 2; }

/// `wanted` of values that cover `there`.
at::Tensor cropped(const at::Tensor& x, const Region& there, const Region& wanted);

/// A tensor that may be overwritten: the given one where nobody else has it. A copy is faster than arithmetic on a part
/// of a larger tensor anyway.
at::Tensor own(at::Tensor&& x);

/// One value a channel (or one for all) against pictures.
at::Tensor per_channel(const at::Tensor& values);

/// Weights and the like in fp32 for kernels; empty for an undefined tensor.
std::vector<float> floats(const at::Tensor& values);

/// A picture of a batch whose channels lie together, for kernels.
Patch patch_of(const at::Tensor& batch, std::int64_t picture, const Region& there);

/// alpha * a + beta * b, in a or b where nobody else has them.
at::Tensor weighted_sum(at::Tensor a, double alpha, at::Tensor b, double beta);

}  // namespace ganvas::engine
