#pragma once

#include <torch/types.h>

#include <opencv2/core/types.hpp>

#include "ganvas/imaging/image.hpp"

/// Masks and alpha planes at the places of a network's features.
namespace ganvas {

/// A mask's luma times its own opacity, stretched over a picture: one channel, 8 bit. Throws Error(data) where its
/// shape is another (sides differ by more than 2 % in their ratio, and by more than a pixel).
Image stretched_mask(const Image& mask, cv::Size picture);

/// The same at the features' places, as 1 x 1 x h x w in 0..1: `padded` / cell places, those beyond the picture as at
/// its border.
torch::Tensor places_of(const Image& mask, cv::Size picture, cv::Size padded, int cell);

}  // namespace ganvas
