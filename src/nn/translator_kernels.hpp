#pragma once

#include <torch/types.h>

/// Instance norm and reflection padding for training on the CPU in channels_last, fp32 or bf16. LibTorch 1.13 computes
/// both in contiguous memory, and so makes every convolution between them rearrange its input and output; here nothing
/// changes its layout. Once differentiable. Results don't depend on the number of threads.
namespace ganvas {

/// Whether the functions below take x: on the CPU, of these types, outside LibTorch's tracer (which sees LibTorch's own
/// operators only).
bool has_translator_kernels(const torch::Tensor& x);

/// (x - mean) / sqrt(variance + eps) over the pixels of each picture and channel; N x C x H x W.
torch::Tensor instance_norm_channels_last(const torch::Tensor& x, double eps);
/// `border` reflected pixels on all sides; border < H, W.
torch::Tensor reflect_pad_channels_last(const torch::Tensor& x, std::int64_t border);

}  // namespace ganvas
