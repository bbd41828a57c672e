#pragma once

#include <torch/types.h>

#include <vector>

#include "ganvas/imaging/image.hpp"

/// The one place where pictures become tensors and back.
namespace ganvas {

/// H x W x C samples of any depth -> 1 x C x H x W float in [low, range], channels_last in memory.
torch::Tensor tensor_from_image(const cv::Mat& pixels, double range = 1.0, double low = 0.0);

/// Pictures of one size and number of channels, at least one -> N x C x H x W float in [0, 1], channels_last. Written
/// sample by sample rather than by torch::cat, which would start a team of OpenMP threads beside the training thread's.
torch::Tensor tensor_from_images(const std::vector<Image>& images);

/// 1 x C x H x W (or C x H x W) in [low, range] -> H x W x C in float [0,1], not clamped.
cv::Mat matrix_from_tensor(const torch::Tensor& tensor, double range = 1.0, double low = 0.0);

/// The same, clamped and rounded to the depth.
Image image_from_tensor(const torch::Tensor& tensor, Depth depth = Depth::u8, double range = 1.0, double low = 0.0);

}  // namespace ganvas
