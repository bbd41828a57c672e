#pragma once

#include <cstdint>

#include <torch/types.h>

namespace ganvas {

/// 1 x C x H x W in [0, 1] without structure, the same every time and without LibTorch's random state.
inline at::Tensor noise_picture(std::int64_t channels, std::int64_t height, std::int64_t width) {
  return (at::arange(channels * height * width, at::kFloat) * 0.618034).frac().view({1, channels, height, width});
}

}  // namespace ganvas
