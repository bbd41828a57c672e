#include "nn/spectral.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "nn/blocks.hpp"

namespace ganvas {

namespace F = torch::nn::functional;

NormedWeight::NormedWeight(torch::nn::Module& owner, torch::Tensor weight, bool spectral) {
  WeightBudget::spend(weight.numel());
  torch::nn::init::kaiming_uniform_(weight, std::sqrt(5.0));  // as LibTorch's own layers
  weight_ = owner.register_parameter(spectral ? "weight_orig" : "weight", weight);
  if (!spectral) return;
  const torch::Tensor matrix = weight.flatten(1);
  u_ =
      owner.register_buffer("weight_u", F::normalize(torch::randn({matrix.size(0)}), F::NormalizeFuncOptions().dim(0)));
  v_ =
      owner.register_buffer("weight_v", F::normalize(torch::randn({matrix.size(1)}), F::NormalizeFuncOptions().dim(0)));
}

torch::Tensor NormedWeight::operator()(bool training) {
  if (!u_.defined()) return weight_;
  const torch::Tensor matrix = weight_.flatten(1);
  if (training) {
    const torch::NoGradGuard no_grad;
    const auto unit = F::NormalizeFuncOptions().dim(0).eps(1e-12);
    v_.copy_(F::normalize(torch::mv(matrix.t(), u_), unit));
    u_.copy_(F::normalize(torch::mv(matrix, v_), unit));
  }
  // Copies: the next forward pass changes u and v while this one still waits for its backward pass.
  const torch::Tensor sigma = torch::dot(u_.clone(), torch::mv(matrix, v_.clone()));
  return weight_ / sigma;
}

namespace {

torch::Tensor small_uniform(int count, int fan_in) {
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  return torch::empty({count}).uniform_(-bound, bound);
}

}  // namespace

SpectralConv2dImpl::SpectralConv2dImpl(const LayerOptions& options)
    : options_(options),
      weight_(*this, torch::empty({options.out, options.in, options.kernel, options.kernel}), options.spectral) {
  if (options.bias)
    bias_ = register_parameter("bias", small_uniform(options.out, options.in * options.kernel * options.kernel));
}

torch::Tensor SpectralConv2dImpl::forward(const torch::Tensor& x) {
  return torch::conv2d(x, weight_(is_training()), bias_, options_.stride, options_.padding);
}

SpectralLinearImpl::SpectralLinearImpl(int in, int out, bool spectral)
    : weight_(*this, torch::empty({out, in}), spectral), bias_(register_parameter("bias", small_uniform(out, in))) {}

torch::Tensor SpectralLinearImpl::forward(const torch::Tensor& x) {
  return torch::linear(x, weight_(is_training()), bias_);
}

torch::Tensor append_minibatch_stddev(const torch::Tensor& x, int group) {
  if (group <= 0) return x;
  const std::int64_t count = x.size(0);
  std::int64_t size = std::min<std::int64_t>(group, count);
  while (count % size != 0) --size;
  const std::int64_t groups = count / size;
  // Pictures g, g + groups, g + 2 groups ... form a group, as in the authors' code.
  const torch::Tensor grouped = x.to(torch::kFloat).reshape({size, groups, -1});
  const torch::Tensor variance = (grouped - grouped.mean(0, true)).square().mean(0);
  const torch::Tensor deviation = (variance + 1e-8).sqrt().mean(1);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[0] = count;
  torch::Tensor plane = deviation.repeat({size}).reshape(shape);
  shape = x.sizes().vec();
  shape[1] = 1;
  return torch::cat({x, plane.expand(shape).to(x.scalar_type())}, 1);
}

std::vector<torch::Tensor> patch_features(torch::nn::Sequential& body, const torch::Tensor& pictures,
                                          int stddev_group) {
  std::vector<torch::Tensor> found;
  torch::Tensor x = pictures;
  for (auto layer = body->begin(); layer != body->end() - 1; ++layer) {
    x = layer->forward(x);
    if (layer->ptr()->as<torch::nn::LeakyReLU>()) found.push_back(x);
  }
  found.push_back((body->end() - 1)->forward(append_minibatch_stddev(x, stddev_group)));
  return found;
}

}  // namespace ganvas
