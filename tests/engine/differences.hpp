#pragma once

#include <doctest/doctest.h>
#include <torch/torch.h>

namespace ganvas::test {

/// Largest difference, relative to the largest expected value.
inline double relative_error(const torch::Tensor& actual, const torch::Tensor& expected) {
  REQUIRE(actual.sizes() == expected.sizes());
  return ((actual - expected).abs().max() / expected.abs().max()).item<double>();
}

}  // namespace ganvas::test
