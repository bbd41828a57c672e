#include "ganvas/distribution/statistics.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include "distribution/rows.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

/// A factor F with F F' = covariance: eigenvectors times the roots of their eigenvalues, D x rank. What rounding left
/// of eigenvalues that are 0 is dropped: its root would be a thousand times larger than the rounding.
torch::Tensor root_factor(const torch::Tensor& covariance) {
  const auto [values, vectors] = torch::linalg_eigh(covariance, "L");
  const double largest = std::max(0.0, values[-1].item<double>());
  const double floor =
      static_cast<double>(values.size(0)) * std::numeric_limits<double>::epsilon() * std::max(largest, 1e-300);
  const torch::Tensor kept = (values > floor).nonzero().squeeze(1);
  return vectors.index_select(1, kept) * values.index_select(0, kept).sqrt();
}

}  // namespace

void StatisticsGatherer::add(const torch::Tensor& features) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor rows = double_rows(features);
  if (count_ > 0 && rows.size(1) != mean_.size(0))
    fail(ErrorKind::data, "vectors of {} features after some of {}", rows.size(1), mean_.size(0));
  if (rows.size(0) == 0) return;
  const torch::Tensor mean = rows.mean(0);
  const torch::Tensor deviations = rows - mean;
  merge(mean, deviations.t().mm(deviations), rows.size(0));
}

void StatisticsGatherer::merge(const StatisticsGatherer& other) {
  if (other.count_ == 0) return;
  if (count_ > 0 && other.mean_.size(0) != mean_.size(0))
    fail(ErrorKind::data, "vectors of {} features after some of {}", other.mean_.size(0), mean_.size(0));
  merge(other.mean_, other.scatter_, other.count_);
}

void StatisticsGatherer::merge(const torch::Tensor& mean, const torch::Tensor& scatter, std::int64_t count) {
  if (count_ == 0) {
    mean_ = mean.clone();
    scatter_ = scatter.clone();
    count_ = count;
    return;
  }
  const torch::Tensor apart = mean - mean_;
  const double own = static_cast<double>(count_), more = static_cast<double>(count);
  scatter_ += scatter;
  scatter_ += torch::outer(apart, apart) * (own * more / (own + more));
  mean_ += apart * (more / (own + more));
  count_ += count;
}

FeatureStatistics StatisticsGatherer::result() const {
  if (count_ < 2) fail(ErrorKind::data, "a distribution needs at least 2 pictures, there are {}", count_);
  return {mean_.clone(), scatter_ / static_cast<double>(count_ - 1), count_};
}

FeatureStatistics statistics_of(const torch::Tensor& features) {
  StatisticsGatherer gatherer;
  gatherer.add(features);
  return gatherer.result();
}

double frechet_distance(const FeatureStatistics& a, const FeatureStatistics& b) {
  if (a.mean.sizes() != b.mean.sizes())
    fail(ErrorKind::data, "distributions of {} and {} features can't be compared", a.mean.numel(), b.mean.numel());
  const torch::NoGradGuard no_grad;
  if (torch::equal(a.mean, b.mean) && torch::equal(a.covariance, b.covariance)) return 0;  // to the last bit
  // With A = F F' and B = G G' the eigenvalues of A B are the squared singular values of F' G. Taken from there none
  // is negative, and small ones keep their digits, which the square root of a product's eigenvalues would lose.
  const torch::Tensor f = root_factor(a.covariance), g = root_factor(b.covariance);
  const bool flat = f.size(1) == 0 || g.size(1) == 0;  // all pictures of one side are the same
  const double cross = flat ? 0 : torch::linalg_svdvals(f.t().mm(g)).sum().item<double>();
  const double means = (a.mean - b.mean).square().sum().item<double>();
  const double traces = (f.square().sum() + g.square().sum()).item<double>();
  return std::max(0.0, means + traces - 2 * cross);
}

}  // namespace ganvas
