#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

namespace ganvas {

/// The convolutions of a network one after the other and nothing else: what oneDNN's own primitives reach on this
/// machine. `weights`: O x I x kH x kW each, in order, all at a picture's own size; the first and the last run in bf16
/// (or fp32, where `low` is fp32), the others in `low`, with a leaky ReLU fused in.
enum class BareElement { fp32, bf16, int8 };
std::function<void()> bare_convolutions(const std::vector<at::Tensor>& weights, int height, int width, BareElement low);

}  // namespace ganvas
