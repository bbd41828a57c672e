#include "ganvas/train/recent.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include "ganvas/train/adversary.hpp"

namespace ganvas {

using torch::Tensor;

namespace {

/// N x C x H x W -> N x F: local means and deviations on a grid of 8 x 8.
Tensor features_of(const Tensor& pictures) {
  const torch::NoGradGuard no_grad;
  const Tensor x = pictures.to(torch::kFloat);
  const std::int64_t rows = std::min<std::int64_t>(8, x.size(2)), columns = std::min<std::int64_t>(8, x.size(3));
  const Tensor mean = torch::adaptive_avg_pool2d(x, {rows, columns});
  const Tensor variance = torch::adaptive_avg_pool2d(x.square(), {rows, columns}) - mean.square();
  return torch::cat({mean, variance.clamp_min(0).sqrt()}, 1).contiguous().flatten(1);
}

double mean_distance(const Tensor& features) { return torch::pdist(features).mean().item<double>(); }

}  // namespace

double batch_diversity(const Tensor& pictures) { return mean_distance(features_of(pictures)); }

void RecentPictures::add(const Tensor& pictures) {
  constexpr std::int64_t least = 16;
  Tensor features = features_of(pictures);
  const std::int64_t most = std::max(least, features.size(0));
  if (features_.defined() && features_.size(1) == features.size(1)) features = torch::cat({features_, features});
  const std::int64_t count = std::min(most, features.size(0));
  features_ = features.narrow(0, features.size(0) - count, count).clone();
}

double RecentPictures::spread() const {
  return features_.defined() && features_.size(0) > 1 ? mean_distance(features_) : 0;
}

double RecentPictures::nearest() const {
  if (!features_.defined() || features_.size(0) < 2) return 0;
  // A few hundred are enough for a mean, and their distances are a square.
  const Tensor some = features_.narrow(0, 0, std::min<std::int64_t>(features_.size(0), 256));
  Tensor distances = torch::cdist(some, some, 2.0, /*compute_mode=*/2);
  distances.fill_diagonal_(std::numeric_limits<float>::infinity());
  return std::get<0>(distances.min(1)).mean().item<double>();
}

}  // namespace ganvas
