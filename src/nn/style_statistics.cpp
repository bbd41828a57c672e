#include "ganvas/nn/style_statistics.hpp"

#include <torch/torch.h>

#include <algorithm>

namespace ganvas {

torch::Tensor StyleStatistics::deviation() const {
  const double unbiased = count > 1 ? count / (count - 1) : 1.0;
  return (variance * unbiased + 1e-5).sqrt();
}

StyleStatistics observe(const torch::Tensor& values, Observation what, const torch::Tensor& weights) {
  const torch::Tensor x = values.to(torch::kFloat);
  StyleStatistics found;
  found.count =
      weights.defined() ? weights.sum(torch::kDouble).item<double>() : static_cast<double>(x.size(2) * x.size(3));
  const double total = std::max(found.count, 1e-12);
  const auto mean_of = [&](const torch::Tensor& y) {
    return weights.defined() ? (y * weights).sum({2, 3}, true) / total : y.mean({2, 3}, true);
  };
  if (what == Observation::moments) {
    found.mean = mean_of(x);
    found.variance = mean_of((x - found.mean).square());
  } else {
    const torch::Tensor flat = x.flatten(2);
    const torch::Tensor weighted = weights.defined() ? flat * weights.flatten(2) : flat;
    found.products = torch::bmm(weighted, flat.transpose(1, 2)) / total;
  }
  return found;
}

namespace {

StyleStatistics in_fp64(StyleStatistics s) {
  for (torch::Tensor* values : {&s.mean, &s.variance, &s.products})
    if (values->defined()) *values = values->to(torch::kDouble);
  return s;
}

}  // namespace

StyleStatistics merged(const StyleStatistics& a, const StyleStatistics& b) {
  if (a.count <= 0) return in_fp64(b);
  if (b.count <= 0) return in_fp64(a);
  StyleStatistics both;
  both.count = a.count + b.count;
  const double share = b.count / both.count;
  const auto mix = [share](const torch::Tensor& x, const torch::Tensor& y) {
    return torch::lerp(x.to(torch::kDouble), y.to(torch::kDouble), share);
  };
  if (a.mean.defined()) {
    both.mean = mix(a.mean, b.mean);
    const torch::Tensor apart = a.mean.to(torch::kDouble) - b.mean.to(torch::kDouble);
    both.variance = mix(a.variance, b.variance) + apart.square() * (share * (1 - share));
  }
  if (a.products.defined()) both.products = mix(a.products, b.products);
  return both;
}

StyleStatistics between(const StyleStatistics& a, const StyleStatistics& b, double share) {
  StyleStatistics mixed = b;
  const auto mix = [share](const torch::Tensor& x, const torch::Tensor& y) {
    return y.defined() ? torch::lerp(x, y, share) : y;
  };
  mixed.mean = mix(a.mean, b.mean);
  mixed.variance = mix(a.variance, b.variance);
  mixed.products = mix(a.products, b.products);
  return mixed;
}

}  // namespace ganvas
