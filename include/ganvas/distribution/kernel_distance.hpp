#pragma once

#include <torch/types.h>

#include <cstdint>

namespace ganvas {

/// The unbiased estimate of the squared maximum mean discrepancy between two sets of feature vectors, N x D and M x D
/// (Gretton et al. 2012, eq. 3), under the kernel (x.y / D + 1)^3 (Binkowski et al. 2018, eq. 4). Negative where the
/// sets are nearer than chance. NaN where a set has fewer than 2 vectors.
double polynomial_mmd(const torch::Tensor& a, const torch::Tensor& b);

struct KernelDistanceOptions {
  int subsets = 100;
  /// Vectors of each set in a subset, drawn without repetition; at most half the smaller set (but at least 2), since
  /// subsets that are nearly the whole set are all alike and their spread says nothing.
  std::int64_t subset_size = 1000;
  std::uint64_t seed = 0;
};

/// The kernel inception distance (Binkowski et al. 2018) over the subsets.
struct KernelDistance {
  double mean = 0;
  double deviation = 0;  ///< of one subset's figure, by the number of subsets
};
KernelDistance kernel_distance(const torch::Tensor& a, const torch::Tensor& b, const KernelDistanceOptions& = {});

}  // namespace ganvas
