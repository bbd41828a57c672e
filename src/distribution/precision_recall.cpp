#include "ganvas/distribution/precision_recall.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <limits>

#include "distribution/rows.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

constexpr std::int64_t block_rows = 512;  // distances of so many vectors to all others are in memory at a time

/// By differences rather than products: equal vectors are at distance 0 exactly.
torch::Tensor distances(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::cdist(a, b, 2.0, /*compute_mode=*/2);
}

/// Distance of each vector to its k-th nearest neighbour in its own set.
torch::Tensor radii(const torch::Tensor& rows, int k) {
  std::vector<torch::Tensor> parts;
  for (const auto& block : rows.split(block_rows))
    parts.push_back(std::get<0>(distances(block, rows).kthvalue(k + 1, 1)));  // the nearest is itself
  return torch::cat(parts);
}

double share_within(const torch::Tensor& vectors, const torch::Tensor& centers, int k) {
  if (centers.size(0) <= k || vectors.size(0) == 0) return std::numeric_limits<double>::quiet_NaN();
  const torch::Tensor reach = radii(centers, k);
  std::int64_t inside = 0;
  for (const auto& block : vectors.split(block_rows))
    inside += (distances(block, centers) <= reach).any(1).sum().item<std::int64_t>();
  return static_cast<double>(inside) / static_cast<double>(vectors.size(0));
}

}  // namespace

PrecisionRecall precision_recall(const torch::Tensor& real, const torch::Tensor& generated, int k) {
  if (k < 1) fail(ErrorKind::usage, "precision and recall need at least 1 neighbour, not {}", k);
  const torch::NoGradGuard no_grad;
  const auto [rows, generated_rows] = double_rows(real, generated);
  return {share_within(generated_rows, rows, k), share_within(rows, generated_rows, k)};
}

}  // namespace ganvas
