#include "nn/equalised.hpp"

#include <torch/torch.h>

#include <cmath>

#include "nn/blocks.hpp"

namespace ganvas {

using torch::Tensor;

EqualLinearImpl::EqualLinearImpl(int in, int out, double rate, double initial_bias)
    : gain_(rate / std::sqrt(static_cast<double>(in))), rate_(rate) {
  WeightBudget::spend(static_cast<std::int64_t>(in) * out);
  weight = register_parameter("weight", torch::randn({out, in}) / rate);
  bias = register_parameter("bias", torch::full({out}, initial_bias / rate));
}

Tensor EqualLinearImpl::forward(const Tensor& x) {
  return torch::nn::functional::linear(x, weight * gain_, rate_ == 1.0 ? bias : bias * rate_);
}

EqualConv2dImpl::EqualConv2dImpl(const Options& options) : options_(options) {
  const std::int64_t fan_in = static_cast<std::int64_t>(options.in) * options.kernel * options.kernel;
  WeightBudget::spend(fan_in * options.out);
  weight = register_parameter("weight", torch::randn({options.out, options.in, options.kernel, options.kernel}));
  if (options.bias) bias = register_parameter("bias", torch::zeros({options.out}));
  options_.gain = options.gain / std::sqrt(static_cast<double>(fan_in));
}

Tensor EqualConv2dImpl::forward(const Tensor& x) {
  return torch::conv2d(x, weight * options_.gain, bias, options_.stride, options_.padding);
}

Tensor scaled_leaky_relu(const Tensor& x) { return torch::leaky_relu(x, 0.2) * std::sqrt(2.0); }

Tensor pixel_norm(const Tensor& x) { return x * torch::rsqrt(x.square().mean(1, /*keepdim=*/true) + 1e-8); }

namespace {

/// One pass of the filter over dimension 2 or 3.
Tensor filtered(const Tensor& x, int dimension, double gain) {
  const std::int64_t channels = x.size(1);
  const Tensor taps = torch::tensor({1.0, 3.0, 3.0, 1.0}).mul_(gain / 8).to(x.options());
  const Tensor kernel = dimension == 2 ? taps.view({1, 1, 4, 1}) : taps.view({1, 1, 1, 4});
  return torch::conv2d(x, kernel.expand({channels, 1, kernel.size(2), kernel.size(3)}), Tensor(), 1,
                       torch::IntArrayRef({0, 0}), 1, channels);
}

}  // namespace

Tensor blur(const Tensor& x, int before, int after, double gain) {
  const Tensor padded = before + after > 0 ? torch::constant_pad_nd(x, {before, after, before, after}) : x;
  return filtered(filtered(padded, 2, std::sqrt(gain)), 3, std::sqrt(gain));
}

Tensor enlarge_filtered(const Tensor& x) {
  const std::int64_t n = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3);
  // A zero behind each pixel, down and across.
  const Tensor spread =
      torch::constant_pad_nd(x.reshape({n, c, h, 1, w, 1}), {0, 1, 0, 0, 0, 1}).reshape({n, c, 2 * h, 2 * w});
  return blur(spread, 2, 1, 4.0);
}

Tensor reduce_filtered(const Tensor& x) {
  using torch::indexing::Slice;
  return blur(x, 1, 1).index(
      {Slice(), Slice(), Slice(0, torch::indexing::None, 2), Slice(0, torch::indexing::None, 2)});
}

}  // namespace ganvas
