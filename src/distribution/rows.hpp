#pragma once

#include <torch/types.h>

namespace ganvas {

/// N x D features as contiguous doubles on the CPU. Throws Error(data) for other shapes or values that aren't finite.
torch::Tensor double_rows(const torch::Tensor& features);

/// The same for two sets that are compared with each other. Throws Error(data) where they differ in D.
std::pair<torch::Tensor, torch::Tensor> double_rows(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace ganvas
