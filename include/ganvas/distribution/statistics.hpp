#pragma once

#include <torch/types.h>

#include <cstdint>

namespace ganvas {

/// Mean and covariance of feature vectors: all that the Frechet distance needs to know of a set of pictures.
struct FeatureStatistics {
  torch::Tensor mean;        ///< D, double
  torch::Tensor covariance;  ///< D x D, double, by count - 1 as numpy's cov() has it
  std::int64_t count = 0;
};

/// Gathers statistics batch by batch in D x D doubles, however many pictures there are. The sums are those of Chan et
/// al. 1983 (eq. 2.1): each batch about its own mean, so that nothing cancels.
class StatisticsGatherer {
 public:
  /// features: N x D of any float type and device. Throws Error(data) for another D than before, or values that aren't
  /// finite.
  void add(const torch::Tensor& features);
  /// As if all that `other` saw had been added here.
  void merge(const StatisticsGatherer& other);
  std::int64_t count() const { return count_; }
  /// Throws Error(data) for fewer than two vectors.
  FeatureStatistics result() const;

 private:
  void merge(const torch::Tensor& mean, const torch::Tensor& scatter, std::int64_t count);
  torch::Tensor mean_, scatter_;  ///< scatter: sum of the outer products of deviations from the mean
  std::int64_t count_ = 0;
};

/// The statistics of the rows of an N x D matrix.
FeatureStatistics statistics_of(const torch::Tensor& features);

/// Frechet distance between Gaussians with these statistics (Heusel et al. 2017, eq. 6), squared as it is published:
///   |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)).
/// 0 for equal ones, never negative or NaN, also where covariances lack rank (fewer pictures than features). Throws
/// Error(data) for statistics of different sizes.
double frechet_distance(const FeatureStatistics& a, const FeatureStatistics& b);

}  // namespace ganvas
