#include "ganvas/loss/regulariser.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"

namespace ganvas {

using torch::Tensor;

namespace {

/// |g|^2 a picture, with a graph for the second backward pass.
Tensor squared_slopes(const Regulariser::Judge& judge, const Tensor& where) {
  const Tensor point = where.detach().to(torch::kFloat).requires_grad_(true);
  const Tensor gradient = torch::autograd::grad({judge(point).to(torch::kFloat).sum()}, {point}, {},
                                                /*retain_graph=*/true, /*create_graph=*/true)[0];
  return gradient.flatten(1).square().sum(1);
}

/// A norm is not differentiable at 0, where a dead discriminator's gradient is.
Tensor distance_from_one(const Tensor& squared) { return ((squared + 1e-12).sqrt() - 1).square().mean(); }

Tensor between(const Tensor& real, const Tensor& fake) {
  if (real.sizes() != fake.sizes())
    fail(ErrorKind::recipe,
         "gradient penalties between real and fake pictures need one size, not {}x{} and {}x{}; crop them, or take "
         "regulariser.r1",
         real.size(3), real.size(2), fake.size(3), fake.size(2));
  std::vector<std::int64_t> shape(static_cast<std::size_t>(real.dim()), 1);
  shape[0] = real.size(0);
  return torch::lerp(real, fake, torch::rand(shape, real.options()));
}

Tensor around(const Tensor& real) { return real + 0.5 * real.std(/*unbiased=*/false) * torch::rand_like(real); }

using Penalty = Tensor (*)(const Regulariser::Judge&, const Tensor& real, const Tensor& fake);

const std::vector<std::pair<std::string, Penalty>>& penalties() {
  using Judge = Regulariser::Judge;
  static const std::vector<std::pair<std::string, Penalty>> all{
      {"r1",
       [](const Judge& judge, const Tensor& real, const Tensor&) { return 0.5 * squared_slopes(judge, real).mean(); }},
      {"r2",
       [](const Judge& judge, const Tensor&, const Tensor& fake) { return 0.5 * squared_slopes(judge, fake).mean(); }},
      {"gradient_penalty",
       [](const Judge& judge, const Tensor& real, const Tensor& fake) {
         return distance_from_one(squared_slopes(judge, between(real, fake)));
       }},
      {"zero_gradient_penalty", [](const Judge& judge, const Tensor& real,
                                   const Tensor& fake) { return squared_slopes(judge, between(real, fake)).mean(); }},
      {"dragan", [](const Judge& judge, const Tensor& real,
                    const Tensor&) { return distance_from_one(squared_slopes(judge, around(real))); }},
      {"drift", [](const Judge& judge, const Tensor& real,
                   const Tensor&) { return judge(real).to(torch::kFloat).square().mean(); }},
  };
  return all;
}

}  // namespace

const std::vector<std::string>& Regulariser::names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, penalty] : penalties()) all.push_back(name);
    return all;
  }();
  return names;
}

void Regulariser::set(const std::string& name, const Annealed& weight) {
  if (std::find(names().begin(), names().end(), name) == names().end())
    fail(ErrorKind::recipe, "unknown regulariser '{}'; known: {}", name, fmt::join(names(), ", "));
  weights_[name] = weight;
  any_ = std::any_of(weights_.begin(), weights_.end(), [](const auto& item) { return item.second.most() > 0; });
}

Regulariser Regulariser::from_recipe(Recipe& recipe, const std::string& prefix, double anneal_steps) {
  Regulariser regulariser;
  for (const auto& name : names())
    regulariser.set(name, Annealed::from_recipe(recipe, prefix + "." + name, 0.0, 0.0, 1e9, anneal_steps));
  regulariser.interval_ = recipe.integer(prefix + ".interval", 1, 1, 1'000'000);
  return regulariser;
}

std::map<std::string, Tensor> Regulariser::operator()(const Judge& judge, const Tensor& real, const Tensor& fake,
                                                      std::int64_t step) const {
  const Tensor real_values = real.detach().to(torch::kFloat), fake_values = fake.detach().to(torch::kFloat);
  std::map<std::string, Tensor> terms;
  for (const auto& [name, penalty] : penalties()) {
    const auto found = weights_.find(name);
    const double weight = found == weights_.end() ? 0 : found->second.at(step);
    if (weight > 0) terms[name] = penalty(judge, real_values, fake_values) * (weight * static_cast<double>(interval_));
  }
  return terms;
}

}  // namespace ganvas
