#pragma once

#include <torch/types.h>

namespace ganvas {

/// How much of the generated pictures looks real, and how much of the real ones is generated (Kynkaanniemi et al. 2019,
/// eqs. 1 and 2). Each set is taken to fill the balls around its vectors that reach to their k-th nearest neighbours.
struct PrecisionRecall {
  double precision = 0;  ///< share of the generated vectors that lie in a ball of the real ones, 0..1
  double recall = 0;     ///< share of the real vectors that lie in a ball of the generated ones, 0..1
};

/// real: N x D, generated: M x D. NaN where the balls of a set can't be told: with k vectors or fewer.
PrecisionRecall precision_recall(const torch::Tensor& real, const torch::Tensor& generated, int k = 3);

}  // namespace ganvas
