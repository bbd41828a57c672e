#pragma once

#include <doctest/doctest.h>
#include <torch/torch.h>

namespace ganvas::test {

/// Largest difference, relative to the largest expected value; to 0.001 at least, since a network's own clamp may have
/// left nothing but zeros.
inline double relative_error(const torch::Tensor& actual, const torch::Tensor& expected) {
  REQUIRE(actual.sizes() == expected.sizes());
  return ((actual - expected).abs().max() / expected.abs().max().clamp_min(1e-3)).item<double>();
}

}  // namespace ganvas::test
