#include "nn/equalised.hpp"

#include <torch/torch.h>

#include <array>
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

void EqualLinearImpl::settle() {
  const torch::NoGradGuard no_grad;
  ready_weight_ = weight * gain_;
  ready_bias_ = bias * rate_;
}

Tensor EqualLinearImpl::forward(const Tensor& x) {
  if (ready_weight_.defined()) return torch::nn::functional::linear(x, ready_weight_, ready_bias_);
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

Tensor EqualConv2dImpl::activated(const Tensor& x, double gain) {
  // A leaky ReLU's gain is as well that of what goes in, which is far fewer numbers.
  const Tensor y = torch::conv2d(x, weight * (options_.gain * gain), bias * gain, options_.stride, options_.padding);
  return leaky_relu_of(y, 0.2);
}

Tensor scaled_leaky_relu(const Tensor& x) { return torch::leaky_relu(x, 0.2) * std::sqrt(2.0); }

Tensor pixel_norm(const Tensor& x) { return x * torch::rsqrt(x.square().mean(1, /*keepdim=*/true) + 1e-8); }

namespace {

/// One pass of the filter over dimension 2 or 3, with zeros on both sides and every `stride`-th result.
Tensor filtered(const Tensor& x, int dimension, double gain, std::int64_t around, std::int64_t stride) {
  const std::int64_t channels = x.size(1);
  const Tensor taps = torch::tensor({1.0, 3.0, 3.0, 1.0}).mul_(gain / 8).to(x.options());
  const Tensor kernel = dimension == 2 ? taps.view({1, 1, 4, 1}) : taps.view({1, 1, 1, 4});
  const auto along = [dimension](std::int64_t value, std::int64_t other) {
    return dimension == 2 ? std::array{value, other} : std::array{other, value};
  };
  return torch::conv2d(x, kernel.expand({channels, 1, kernel.size(2), kernel.size(3)}), Tensor(), along(stride, 1),
                       along(around, 0), 1, channels);
}

}  // namespace

Tensor blur(const Tensor& x, int before, int after, double gain) {
  const Tensor padded = before != after ? torch::constant_pad_nd(x, {before, after, before, after}) : x;
  const std::int64_t around = before != after ? 0 : before;
  return filtered(filtered(padded, 2, std::sqrt(gain), around, 1), 3, std::sqrt(gain), around, 1);
}

Tensor enlarge_filtered(const Tensor& x) {
  const std::int64_t n = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3);
  // A zero behind each pixel, down and across.
  const Tensor spread =
      torch::constant_pad_nd(x.reshape({n, c, h, 1, w, 1}), {0, 1, 0, 0, 0, 1}).reshape({n, c, 2 * h, 2 * w});
  return blur(spread, 2, 1, 4.0);
}

Tensor reduce_filtered(const Tensor& x) { return filtered(filtered(x, 2, 1.0, 1, 2), 3, 1.0, 1, 2); }

}  // namespace ganvas
