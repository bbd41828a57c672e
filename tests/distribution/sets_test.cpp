// Kernel distance, precision and recall against slow twins and on sets whose figures are known.
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "distribution/support.hpp"
#include "ganvas/distribution/kernel_distance.hpp"
#include "ganvas/distribution/precision_recall.hpp"
#include "support/refusal.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

double kernel(const double* x, const double* y, std::int64_t features) {
  double product = 0;
  for (std::int64_t i = 0; i < features; ++i) product += x[i] * y[i];
  return std::pow(product / static_cast<double>(features) + 1, 3);
}

/// The definition as a double loop over all pairs.
double slow_mmd(const torch::Tensor& a, const torch::Tensor& b) {
  const auto n = a.size(0), m = b.size(0), d = a.size(1);
  const double *x = a.data_ptr<double>(), *y = b.data_ptr<double>();
  double within_a = 0, within_b = 0, between = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      if (i != j) within_a += kernel(x + i * d, x + j * d, d);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < m; ++j)
      if (i != j) within_b += kernel(y + i * d, y + j * d, d);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j) between += kernel(x + i * d, y + j * d, d);
  return within_a / double(n * (n - 1)) + within_b / double(m * (m - 1)) - 2 * between / double(n * m);
}

/// Share of `vectors` in a ball around one of `centers` to its k-th neighbour.
double slow_share(const torch::Tensor& vectors, const torch::Tensor& centers, int k) {
  const auto distance = [](const torch::Tensor& a, const torch::Tensor& b) { return (a - b).norm().item<double>(); };
  int inside = 0;
  for (std::int64_t i = 0; i < vectors.size(0); ++i) {
    bool found = false;
    for (std::int64_t c = 0; c < centers.size(0) && !found; ++c) {
      std::vector<double> others;
      for (std::int64_t o = 0; o < centers.size(0); ++o)
        if (o != c) others.push_back(distance(centers[c], centers[o]));
      std::sort(others.begin(), others.end());
      found = distance(vectors[i], centers[c]) <= others[static_cast<std::size_t>(k - 1)];
    }
    inside += found;
  }
  return inside / static_cast<double>(vectors.size(0));
}

}  // namespace

TEST_CASE("kernel distance: a double loop and numpy agree") {
  for (const auto& [n, m, d] : {std::tuple{11, 7, 5}, {2, 9, 1}, {6, 6, 12}}) {
    const auto a = random_rows(n, d, 1), b = random_rows(m, d, 2) + 0.5;
    CHECK(polynomial_mmd(a, b) == doctest::Approx(slow_mmd(a, b)).epsilon(1e-10));
    CHECK(polynomial_mmd(a.to(torch::kFloat), b) == doctest::Approx(slow_mmd(a, b)).epsilon(1e-4));
  }
  // numpy 1.24, once: K = (x y' / d + 1)^3, sums without the diagonal.
  CHECK(polynomial_mmd(formula_rows(40, 6, 1), formula_rows(31, 6, 2)) == doctest::Approx(1207.024380137907));
  CHECK(polynomial_mmd(formula_rows(9, 12, 1), formula_rows(7, 12, 2)) == doctest::Approx(403.5444009383946));
}

TEST_CASE("kernel distance: unbiased, whatever the size of the subsets") {
  // Halves of one sample, many times: the mean is 0 within its own error, also for tiny sets, where a biased estimate
  // would lie at about the kernel's mean diagonal over n, here about 2.
  double sum = 0, squares = 0;
  constexpr int trials = 400;
  for (int i = 0; i < trials; ++i) {
    const auto x = random_rows(20, 4, 100 + static_cast<std::uint64_t>(i));
    const double value = polynomial_mmd(x.slice(0, 0, 10), x.slice(0, 10, 20));
    sum += value, squares += value * value;
  }
  const double mean = sum / trials, error = std::sqrt((squares / trials - mean * mean) / trials);
  CHECK(std::abs(mean) < 4 * error);
  CHECK(error < 0.1);

  const auto a = random_rows(120, 8, 1), b = random_rows(90, 8, 2) * 1.3 + 0.4;
  const double whole = polynomial_mmd(a, b);
  for (const std::int64_t size : {10, 30, 1000}) {
    CAPTURE(size);
    const auto figure = kernel_distance(a, b, {.subsets = 300, .subset_size = size, .seed = 7});
    CHECK(figure.deviation > 0);
    CHECK(std::abs(figure.mean - whole) < 4 * figure.deviation / std::sqrt(300.0));
  }
  // The smaller the subsets, the wider the spread.
  const auto spread = [&](std::int64_t size) {
    return kernel_distance(a, b, {.subsets = 200, .subset_size = size}).deviation;
  };
  CHECK(spread(10) > 1.5 * spread(40));
  CHECK(spread(45) == spread(1000));  // at most half the smaller set
}

TEST_CASE("kernel distance: seeds, sets of two, wrong numbers") {
  const auto a = random_rows(30, 4, 1), b = random_rows(25, 4, 2);
  const KernelDistanceOptions options{.subsets = 5, .subset_size = 8, .seed = 3};
  CHECK(kernel_distance(a, b, options).mean == kernel_distance(a, b, options).mean);
  CHECK(kernel_distance(a, b, options).mean != kernel_distance(a, b, {.subsets = 5, .subset_size = 8, .seed = 4}).mean);
  // Two pictures a side leave one subset.
  const auto pair = kernel_distance(a.slice(0, 0, 2), b.slice(0, 0, 2));
  CHECK(pair.mean == doctest::Approx(polynomial_mmd(a.slice(0, 0, 2), b.slice(0, 0, 2))).epsilon(1e-9));
  CHECK(pair.deviation == doctest::Approx(0));
  CHECK(std::isnan(kernel_distance(a, b.slice(0, 0, 1)).mean));
  CHECK(std::isnan(polynomial_mmd(a, b.slice(0, 0, 1))));
  CHECK(says(refusal(ErrorKind::usage, [&] { kernel_distance(a, b, {.subset_size = 1}); }), {"of 1"}));
  CHECK(says(refusal(ErrorKind::data, [&] { kernel_distance(a, random_rows(5, 3, 1)); }), {"4", "3"}));
}

TEST_CASE("precision and recall: constructed sets") {
  // Two clusters far apart; the generated set has the first alone.
  const auto near = random_rows(40, 3, 1), far = random_rows(40, 3, 2) + 100;
  const auto real = torch::cat({near, far});
  const auto subset = near.slice(0, 0, 20);
  const auto lost = precision_recall(real, subset);
  CHECK(lost.precision == 1);
  CHECK(lost.recall <= 0.5);
  CHECK(lost.recall >= 0.25);  // the 20 themselves
  // The other way round: all that is real is there, and as much that isn't.
  const auto excess = precision_recall(near, real);
  CHECK(excess.precision == 0.5);
  CHECK(excess.recall == 1);
  const auto same = precision_recall(real, real);
  CHECK(same.precision == 1);
  CHECK(same.recall == 1);
  const auto apart = precision_recall(near, far);
  CHECK(apart.precision == 0);
  CHECK(apart.recall == 0);
  // Copies of one picture: balls of radius 0 that hold just it.
  const auto copies = torch::full({6, 3}, 0.1, torch::kDouble);
  CHECK(precision_recall(copies, copies).precision == 1);
  CHECK(precision_recall(copies, copies + 1e-9).precision == 0);
}

TEST_CASE("precision and recall: the definition, picture by picture") {
  for (const int k : {1, 3}) {
    const auto real = random_rows(23, 4, 5), generated = random_rows(17, 4, 6) * 1.4 + 0.3;
    const auto found = precision_recall(real, generated, k);
    CHECK(found.precision == slow_share(generated, real, k));
    CHECK(found.recall == slow_share(real, generated, k));
    CHECK(found.precision > 0);
    CHECK(found.precision < 1);
  }
  // More than one block of distances.
  const auto real = random_rows(700, 2, 7), generated = random_rows(600, 2, 8) + 1.5;
  const auto all = precision_recall(real, generated);
  const auto inside = [&](std::int64_t begin, std::int64_t end) {
    return precision_recall(real, generated.slice(0, begin, end)).precision * double(end - begin);
  };
  CHECK(all.precision == doctest::Approx((inside(0, 300) + inside(300, 600)) / 600));
  CHECK(std::isnan(precision_recall(real.slice(0, 0, 3), generated).precision));
  CHECK_FALSE(std::isnan(precision_recall(real.slice(0, 0, 4), generated).precision));
  CHECK(std::isnan(precision_recall(real, generated.slice(0, 0, 3)).recall));
}
