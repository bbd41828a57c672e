#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

namespace ganvas {

/// Mean distance between two batches of the same shape; a scalar tensor in fp32.
///   l1           |a - b|
///   l2           (a - b)^2
///   charbonnier  sqrt((a - b)^2 + 1e-6) (Lai et al. 2017, eq. 5 with epsilon 1e-3)
/// Throws Error(recipe) for another name.
torch::Tensor pixel_loss(const std::string& kind, const torch::Tensor& a, const torch::Tensor& b);
const std::vector<std::string>& pixel_losses();

}  // namespace ganvas
