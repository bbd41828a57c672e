// The Frechet distance against closed forms and scipy, streaming against the whole.
#include "ganvas/distribution/statistics.hpp"

#include <torch/torch.h>

#include <cmath>

#include "distribution/support.hpp"
#include "support/refusal.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

FeatureStatistics gaussian(const torch::Tensor& mean, const torch::Tensor& covariance) {
  return {mean.to(torch::kDouble), covariance.to(torch::kDouble), 100};
}

/// An orthogonal matrix.
torch::Tensor turn(std::int64_t size, std::uint64_t seed) {
  return std::get<0>(torch::linalg_qr(random_rows(size, size, seed), "reduced"));
}

}  // namespace

TEST_CASE("frechet distance: diagonal and commuting covariances, shifted means") {
  const auto mean_a = torch::tensor({1.0, -2.0, 0.5, 3.0}, torch::kDouble);
  const auto mean_b = torch::tensor({0.0, -2.5, 0.5, 5.0}, torch::kDouble);
  const auto values_a = torch::tensor({4.0, 1.0, 0.25, 9.0}, torch::kDouble);
  const auto values_b = torch::tensor({1.0, 16.0, 0.0, 2.25}, torch::kDouble);
  // Where covariances commute the distance is |mean difference|^2 + the sum of (root a - root b)^2:
  // 1 + 0.25 + 0 + 4, and 1 + 9 + 0.25 + 2.25.
  const double expected = 5.25 + 12.5;
  const auto straight_a = gaussian(mean_a, torch::diag(values_a)), straight_b = gaussian(mean_b, torch::diag(values_b));
  CHECK(frechet_distance(straight_a, straight_b) == doctest::Approx(expected).epsilon(1e-12));
  CHECK(frechet_distance(straight_b, straight_a) == doctest::Approx(expected).epsilon(1e-12));
  const auto q = turn(4, 3);
  const auto turned = [&](const torch::Tensor& values) { return q.mm(torch::diag(values)).mm(q.t()); };
  CHECK(frechet_distance(gaussian(mean_a, turned(values_a)), gaussian(mean_b, turned(values_b))) ==
        doctest::Approx(expected).epsilon(1e-12));
  // Only shifted: the squared shift.
  const auto x = random_rows(50, 7, 4);
  const auto shift = torch::arange(7, torch::kDouble) * 0.3;
  CHECK(frechet_distance(statistics_of(x), statistics_of(x + shift)) ==
        doctest::Approx(0.09 * (1 + 4 + 9 + 16 + 25 + 36)).epsilon(1e-10));
  // Only scaled: (s - 1)^2 of the trace and of the mean.
  const auto s = statistics_of(x);
  CHECK(frechet_distance(s, statistics_of(x * 1.5)) ==
        doctest::Approx(0.25 * (s.covariance.trace() + s.mean.square().sum()).item<double>()).epsilon(1e-10));
}

TEST_CASE("frechet distance: scipy's values") {
  // By scipy 1.10, once, of the same numbers: m = (mu1 - mu2)^2 sums, numpy.cov(rowvar=False), scipy.linalg.sqrtm.
  CHECK(frechet_distance(statistics_of(formula_rows(40, 6, 1)), statistics_of(formula_rows(31, 6, 2))) ==
        doctest::Approx(11.618065681182195).epsilon(1e-11));
  // Fewer pictures than features: sqrtm gives 40.1341868 with an imaginary part; numpy's singular values of the
  // centred rows' product, which need no root of a matrix, are the reference here.
  CHECK(frechet_distance(statistics_of(formula_rows(9, 12, 1)), statistics_of(formula_rows(7, 12, 2))) ==
        doctest::Approx(40.13418724956477).epsilon(1e-9));
}

TEST_CASE("frechet distance: 0 for equal sets, never negative or NaN, whatever the rank") {
  for (const std::int64_t count : {2, 5, 33, 400}) {
    CAPTURE(count);
    const auto x = random_rows(count, 33, 8) * 100 + 1000;
    const auto s = statistics_of(x);
    const double scale = s.covariance.trace().item<double>();
    const double equal = frechet_distance(s, s);
    CHECK(equal >= 0);
    CHECK(equal < 1e-12 * scale);
    const double shuffled = frechet_distance(s, statistics_of(x.flip(0)));
    CHECK(shuffled >= 0);
    CHECK(shuffled < 1e-9 * scale);
  }
  // All pictures the same: what is left is the other side's spread and the means.
  const auto flat = statistics_of(torch::ones({5, 3}, torch::kDouble));
  CHECK(frechet_distance(flat, flat) == 0);
  const auto spread =
      gaussian(torch::tensor({1.0, 1.0, 3.0}, torch::kDouble), torch::diag(torch::tensor({2.0, 0.0, 5.0})));
  CHECK(frechet_distance(flat, spread) == doctest::Approx(4 + 7));
  // Covariances in spaces without a common direction.
  const auto a = gaussian(torch::zeros(2), torch::diag(torch::tensor({3.0, 0.0})));
  const auto b = gaussian(torch::zeros(2), torch::diag(torch::tensor({0.0, 4.0})));
  CHECK(frechet_distance(a, b) == doctest::Approx(7));
}

TEST_CASE("statistics: batch by batch, merged and at once are the same") {
  const auto x = random_rows(57, 9, 5) * 3 + 1e4;  // far from 0, where sums of squares would lose their digits
  const auto whole = statistics_of(x);
  const auto centered = x - x.mean(0);
  CHECK(torch::allclose(whole.covariance, centered.t().mm(centered) / 56, 1e-10, 1e-10));
  StatisticsGatherer one, other, empty;
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 20}, {20, 20}, {20, 31}}) one.add(x.slice(0, begin, end));
  other.add(x.slice(0, 31, 57));
  one.merge(other);
  one.merge(empty);
  empty.merge(one);
  for (const auto& gathered : {one.result(), empty.result()}) {
    CHECK(gathered.count == 57);
    CHECK(torch::allclose(gathered.mean, whole.mean, 1e-12, 0));
    CHECK(torch::allclose(gathered.covariance, whole.covariance, 1e-9, 1e-9));
  }
  // A result stays as it was.
  const auto before = one.result();
  const auto kept = before.covariance.clone();
  one.add(x);
  CHECK(torch::equal(before.covariance, kept));
}

TEST_CASE("statistics: what can't be compared is refused") {
  StatisticsGatherer gatherer;
  CHECK(says(refusal(ErrorKind::data, [&] { gatherer.result(); }), {"at least 2", "0"}));
  gatherer.add(torch::zeros({1, 4}));
  CHECK(says(refusal(ErrorKind::data, [&] { gatherer.result(); }), {"at least 2", "1"}));
  CHECK(says(refusal(ErrorKind::data, [&] { gatherer.add(torch::zeros({2, 5})); }), {"5", "4"}));
  CHECK(says(refusal(ErrorKind::data, [&] { gatherer.add(torch::full({1, 4}, std::nan(""))); }), {"finite"}));
  CHECK(says(refusal(ErrorKind::data, [&] { gatherer.add(torch::zeros({4})); }), {"[4]"}));
  const auto a = statistics_of(random_rows(5, 3, 1)), b = statistics_of(random_rows(5, 4, 1));
  CHECK(says(refusal(ErrorKind::data, [&] { frechet_distance(a, b); }), {"3", "4"}));
}
