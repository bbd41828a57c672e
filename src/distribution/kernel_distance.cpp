#include "ganvas/distribution/kernel_distance.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "distribution/rows.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/rng.hpp"

namespace ganvas {

namespace {

torch::Tensor polynomial_kernel(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.mm(b.t()) / static_cast<double>(a.size(1)) + 1).pow(3);
}

/// Mean over all pairs of different vectors of one set.
double mean_of_pairs(const torch::Tensor& kernel) {
  const auto n = static_cast<double>(kernel.size(0));
  return (kernel.sum() - kernel.trace()).item<double>() / (n * (n - 1));
}

double mmd_of_rows(const torch::Tensor& a, const torch::Tensor& b) {
  return mean_of_pairs(polynomial_kernel(a, a)) + mean_of_pairs(polynomial_kernel(b, b)) -
         2 * polynomial_kernel(a, b).mean().item<double>();
}

/// `size` rows, no row twice: the first steps of a Fisher-Yates shuffle.
torch::Tensor draw_rows(const torch::Tensor& rows, std::int64_t size, Rng& rng) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows.size(0)));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i)
    std::swap(order[i], order[i + rng.below(order.size() - i)]);
  return rows.index_select(0, torch::tensor(std::vector<std::int64_t>(order.begin(), order.begin() + size)));
}

}  // namespace

double polynomial_mmd(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::NoGradGuard no_grad;
  const auto [rows_a, rows_b] = double_rows(a, b);
  if (std::min(rows_a.size(0), rows_b.size(0)) < 2) return std::numeric_limits<double>::quiet_NaN();
  return mmd_of_rows(rows_a, rows_b);
}

KernelDistance kernel_distance(const torch::Tensor& a, const torch::Tensor& b, const KernelDistanceOptions& options) {
  if (options.subsets < 1 || options.subset_size < 2)
    fail(ErrorKind::usage, "a kernel distance needs at least 1 subset of 2, not {} of {}", options.subsets,
         options.subset_size);
  const torch::NoGradGuard no_grad;
  const auto [rows_a, rows_b] = double_rows(a, b);
  const std::int64_t smaller = std::min(rows_a.size(0), rows_b.size(0));
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  if (smaller < 2) return {unknown, unknown};
  const std::int64_t size = std::min(options.subset_size, std::max<std::int64_t>(2, smaller / 2));
  Rng rng(options.seed);
  double sum = 0, squares = 0;
  for (int i = 0; i < options.subsets; ++i) {
    const torch::Tensor part_a = draw_rows(rows_a, size, rng);
    const double value = mmd_of_rows(part_a, draw_rows(rows_b, size, rng));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / options.subsets;
  return {mean, std::sqrt(std::max(0.0, squares / options.subsets - mean * mean))};
}

}  // namespace ganvas
