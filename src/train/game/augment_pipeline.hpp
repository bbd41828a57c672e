#pragma once

#include <torch/types.h>

namespace ganvas {

/// The pipeline "bgc" of StyleGAN2-ADA (Karras et al. 2020, appendix B) in its order: flip, quarter turns, whole-pixel
/// shifts, scale, rotation, stretching, shifts of any length as one warp between a doubling and a halving by the
/// wavelet filter sym6, with reflected borders; then brightness, contrast, inverted luma, hue and saturation as one
/// matrix. Each change of each picture happens with probability p. N x C x H x W in [0, 1] (results may leave it); the
/// fourth channel, alpha, keeps its values. `upright` leaves out what data with an up and a down, a light and a dark
/// would not forgive where it leaks into the generator: turns, rotations and inverted luma. Differentiable twice. Draws
/// come from LibTorch's default generator.
torch::Tensor augmented_bgc(const torch::Tensor& pictures, double p, bool upright);

}  // namespace ganvas
