#pragma once

#include <torch/types.h>

#include "ganvas/imaging/image.hpp"

/// The one place where pictures become tensors and back.
namespace ganvas {

/// H x W x C samples of any depth -> 1 x C x H x W float in [0, range], channels_last in memory.
torch::Tensor tensor_from_image(const cv::Mat& pixels, double range = 1.0);

/// 1 x C x H x W (or C x H x W) in [0, range] -> H x W x C in float [0,1], not clamped.
cv::Mat matrix_from_tensor(const torch::Tensor& tensor, double range = 1.0);

/// The same, clamped and rounded to the depth.
Image image_from_tensor(const torch::Tensor& tensor, Depth depth = Depth::u8, double range = 1.0);

}  // namespace ganvas
