#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

namespace ganvas {

enum class BareElement { fp32, bf16, int8 };

/// Runs the convolutions of a network one after the other and nothing else: what oneDNN's own primitives reach on this
/// machine. `weights`: O x I x kH x kW each, in order, all at a picture's own size, with a leaky ReLU fused in. In
/// `low`; with int8, the first and the last in bf16, or fp32 where there is none.
std::function<void()> bare_convolutions(const std::vector<at::Tensor>& weights, int height, int width, BareElement low);

}  // namespace ganvas
