#pragma once

#include <torch/torch.h>

#include <cmath>

namespace ganvas::test {

/// Largest difference, relative to the largest expected value; infinite for other sizes and non-finite values, 0 for
/// equal tensors (a network's own clamp may leave nothing but zeros).
inline double relative_error(const torch::Tensor& actual, const torch::Tensor& expected) {
  const torch::Tensor a = actual.to(torch::kDouble), e = expected.to(torch::kDouble);
  if (a.sizes() != e.sizes() || !a.isfinite().all().item<bool>()) return INFINITY;
  if (a.equal(e)) return 0;
  return ((a - e).abs().max() / e.abs().max()).item<double>();
}

}  // namespace ganvas::test
