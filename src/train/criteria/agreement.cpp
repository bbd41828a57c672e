#include "train/criteria/agreement.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "ganvas/loss/lpips.hpp"

namespace ganvas {

namespace {

void add(torch::Tensor& sum, const torch::Tensor& value) { sum = sum.defined() ? sum + value : value; }

}  // namespace

void Agreement::add_layer(std::size_t layer, const torch::Tensor& student, const torch::Tensor& teacher) {
  const auto weighted = [&](const torch::Tensor& error) { return (error.square() * weights_[layer]).sum(1); };
  const auto change = [](const torch::Tensor& x) {
    const std::int64_t half = x.size(0) / 2;
    return x.narrow(0, half, half) - x.narrow(0, 0, half);
  };
  const torch::Tensor s = unit_channels(student), t = unit_channels(teacher);
  const torch::Tensor ds = change(s), dt = change(t);
  add(features_, weighted(s - t).mean());
  add(difference_, weighted(ds - dt).mean());
  add(by_student_, weighted(ds).mean({1, 2}));
  add(by_teacher_, weighted(dt).mean({1, 2}));
  add_plain_layer(student, teacher);
}

void Agreement::add_plain_layer(const torch::Tensor& student, const torch::Tensor& teacher) {
  const torch::Tensor raw = teacher.to(torch::kFloat);
  add(magnitude_, (student.to(torch::kFloat) - raw).square().mean() / (raw.square().mean() + 1e-6));
}

torch::Tensor Agreement::distance() const {
  constexpr double small = 0.01;
  return ((by_student_ + small) / (by_teacher_ + small)).log().abs().mean();
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto count = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / count;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / count;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(std::max(aa * bb, 1e-300));
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t from = 0, to = 0; from < order.size(); from = to) {
    while (to < order.size() && values[order[to]] == values[order[from]]) ++to;
    for (std::size_t i = from; i < to; ++i) result[order[i]] = static_cast<double>(from + to - 1) / 2;
  }
  return result;
}

}  // namespace ganvas
