#pragma once

#include <torch/types.h>

namespace ganvas {

/// What a style network's step looks at before it changes its features.
enum class Observation {
  moments,  ///< mean and variance a channel
  products  ///< mean over all places of the outer product of the channels with themselves
};

/// Statistics over the places of a picture or of a part of it, one set for each picture of a batch. Parts add up, so
/// that those of a picture cut in tiles are those of the whole.
struct StyleStatistics {
  double count = 0;        ///< places, or the sum of their weights
  torch::Tensor mean;      ///< moments: N x C x 1 x 1
  torch::Tensor variance;  ///< moments: N x C x 1 x 1, biased (divided by `count`)
  torch::Tensor products;  ///< products: N x C x C

  /// Square root of the unbiased variance + 1e-5, as adaptive instance norm is published (Huang and Belongie 2017).
  torch::Tensor deviation() const;
};

/// Of N x C x H x W; differentiable. `weights`, where defined, is 1 x 1 x H x W of values from 0 up: how much each
/// place counts (N is 1 then). All 0: a count of 0 and finite values.
StyleStatistics observe(const torch::Tensor& values, Observation what, const torch::Tensor& weights = {});

/// Of both parts together (Chan, Golub and LeVeque 1979), in fp64. One with a count of 0 adds nothing.
StyleStatistics merged(const StyleStatistics& a, const StyleStatistics& b);

/// a + share * (b - a), in every value: statistics that follow those of a film's frames.
StyleStatistics between(const StyleStatistics& a, const StyleStatistics& b, double share);

}  // namespace ganvas
