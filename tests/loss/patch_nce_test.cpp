// PatchNCE against its definition, written out.
#include "ganvas/loss/patch_nce.hpp"

#include <torch/torch.h>

#include <cmath>
#include <set>

#include "support/support.hpp"

using namespace ganvas;
using torch::Tensor;

TEST_CASE("patch nce: the cross-entropy of the own place among all places of the same picture") {
  torch::manual_seed(3);
  const auto unit = [](const Tensor& x) { return x / x.norm(2, 2, true); };
  const Tensor queries = unit(torch::randn({2, 5, 4})), keys = unit(torch::randn({2, 5, 4}));
  const double temperature = 0.3;
  double expected = 0;
  for (int n = 0; n < 2; ++n)
    for (int i = 0; i < 5; ++i) {
      double sum = 0;
      for (int k = 0; k < 5; ++k) sum += std::exp(torch::dot(queries[n][i], keys[n][k]).item<double>() / temperature);
      expected -= torch::dot(queries[n][i], keys[n][i]).item<double>() / temperature - std::log(sum);
    }
  CHECK(patch_nce(queries, keys, temperature).item<double>() == doctest::Approx(expected / 10).epsilon(1e-4));
  // Equal features at every place say nothing; perfect ones all.
  const Tensor same = unit(torch::ones({1, 8, 4}));
  CHECK(patch_nce(same, same, 0.07).item<double>() == doctest::Approx(std::log(8.0)).epsilon(1e-4));
  const Tensor clear = torch::eye(8).unsqueeze(0);
  CHECK(patch_nce(clear, clear, 0.07).item<double>() < 1e-4);
}

TEST_CASE("patch nce: gradients flow to the queries alone") {
  torch::manual_seed(4);
  const Tensor queries = torch::randn({1, 6, 4}).requires_grad_(), keys = torch::randn({1, 6, 4}).requires_grad_();
  patch_nce(queries, keys, 0.1).backward();
  CHECK(queries.grad().abs().sum().item<double>() > 0);
  CHECK_FALSE(keys.grad().defined());
}

TEST_CASE("patch nce: projections are of unit length at the chosen places") {
  torch::manual_seed(5);
  PatchProjection projection({3, 7}, 16);
  const Tensor features = torch::randn({2, 7, 4, 5}), places = random_places(20, 6, torch::kCPU);
  CHECK(places.size(0) == 6);
  const auto* first = places.data_ptr<std::int64_t>();
  CHECK(std::set<std::int64_t>(first, first + 6).size() == 6);
  CHECK(random_places(4, 6, torch::kCPU).size(0) == 4);
  const Tensor projected = projection.project(1, features, places);
  CHECK(projected.sizes().vec() == std::vector<std::int64_t>{2, 6, 16});
  CHECK(torch::allclose(projected.norm(2, 2), torch::ones({2, 6}), 1e-4, 1e-4));
  // A place alone decides its vector.
  Tensor changed = features.clone();
  const std::int64_t place = first[2];
  changed.flatten(2).select(2, place).add_(1);
  const Tensor difference = (projection.project(1, changed, places) - projected).abs().sum(torch::IntArrayRef{0, 2});
  for (std::int64_t i = 0; i < 6; ++i) CHECK((difference[i].item<float>() > 1e-4F) == (i == 2));
}
