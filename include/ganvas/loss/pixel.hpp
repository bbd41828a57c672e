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

/// Total variation, mean |difference of neighbours| across plus the same down (Rudin et al. 1992, in its anisotropic
/// form); N x C x H x W -> a scalar tensor in fp32. 0 for pictures of one pixel.
torch::Tensor total_variation(const torch::Tensor& pictures);

/// How far a lattice lies over pictures: the mean square, over the `period` * `period` places within a cell, of what
/// pixels at that place are on average apart from all others, after what is broader than a cell was taken away. A
/// regular pattern of an upsampler stays; what lies anywhere averages out. N x C x H x W -> a scalar tensor in fp32, in
/// squared units of the values; 0 for pictures of less than two cells a side.
torch::Tensor sub_pixel_grid(const torch::Tensor& pictures, int period = 4);

/// BT.601 luma of RGB pictures, N x 3 x H x W -> N x 1 x H x W, in the same range; other channel counts: as they are.
torch::Tensor luma_of(const torch::Tensor& pictures);

}  // namespace ganvas
