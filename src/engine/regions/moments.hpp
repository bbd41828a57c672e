#pragma once

#include <torch/types.h>

#include <vector>

namespace ganvas::engine {

/// Mean and variance of each channel over values that come in parts. Parts are merged as in Chan, Golub and LeVeque
/// 1979 (Updating formulae and a pairwise algorithm for computing sample variances), in double: a plain sum of squares
/// would lose small variances beside large means. The same parts in the same order give the same bits, whatever the
/// number of threads.
class ChannelMoments {
 public:
  explicit ChannelMoments(int channels);

  /// 1 x C x H x W, fp32.
  void add(const torch::Tensor& part);

  /// C values, fp32.
  torch::Tensor mean() const;
  /// The mean square deviation (divided by the number of pixels, as instance norms want it).
  torch::Tensor variance() const;

 private:
  void merge(double count, const double* mean, const double* deviation);

  double count_ = 0;
  std::vector<double> mean_, deviation_;  ///< deviation: sum of squares around the mean
};

}  // namespace ganvas::engine
