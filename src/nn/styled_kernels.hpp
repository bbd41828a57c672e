#pragma once

#include <torch/types.h>

#include <array>

/// What follows StyleGAN2's convolutions, in one pass over the picture in place of six: for making pictures, on the
/// CPU, fp32. Not differentiable. Results don't depend on the number of threads.
namespace ganvas {

/// Whether the functions below may take x: fp32 on the CPU, with gradients off, outside LibTorch's tracer.
bool has_styled_kernels(const torch::Tensor& x);

/// leaky_relu(x * factor + noise + bias, 0.2). x: N x C x H x W, changed in place where it lies in channels_last;
/// factor: N x C, noise: H x W, either may be undefined; bias: C.
torch::Tensor finish_styled(const torch::Tensor& x, const torch::Tensor& factor, const torch::Tensor& noise,
                            const torch::Tensor& bias);
/// The same of blur(x, 1, 1, 4), where x, N x C x (2H + 1) x (2W + 1), comes in four parts: those of its even rows and
/// even columns, even and odd, odd and even, odd and odd.
torch::Tensor blur_and_finish(const std::array<torch::Tensor, 4>& parts, const torch::Tensor& factor,
                              const torch::Tensor& noise, const torch::Tensor& bias);

/// x + enlarge_filtered(smaller), in one pass. x: N x C x 2H x 2W, changed in place where it lies in channels_last;
/// smaller: N x C x H x W.
torch::Tensor plus_enlarged(const torch::Tensor& x, const torch::Tensor& smaller);

}  // namespace ganvas
