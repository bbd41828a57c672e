#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <numbers>

#include "ganvas/nn/settle.hpp"

/// Pieces of the networks that make pictures from noise: equalised learning rates and filtered resampling.
namespace ganvas {

/// A linear layer with an equalised learning rate (Karras et al. 2018, section 4.1): weights are stored with variance
/// 1 / rate^2 and multiplied by rate / sqrt(inputs) when used, biases by `rate`. N x in -> N x out.
class EqualLinearImpl : public torch::nn::Module, public Settles {
 public:
  EqualLinearImpl(int in, int out, double rate = 1.0, double initial_bias = 0.0);
  torch::Tensor forward(const torch::Tensor& x);
  void settle() override;

  torch::Tensor weight, bias;

 private:
  double gain_, rate_;
  torch::Tensor ready_weight_, ready_bias_;
};
TORCH_MODULE(EqualLinear);

/// A convolution with an equalised learning rate: stored N(0, 1), multiplied by gain / sqrt(fan_in). Zeros outside.
class EqualConv2dImpl : public torch::nn::Module {
 public:
  struct Options {
    int in = 1, out = 1, kernel = 3, stride = 1, padding = 0;
    bool bias = true;
    double gain = 1.0;
  };
  explicit EqualConv2dImpl(const Options& options);
  torch::Tensor forward(const torch::Tensor& x);
  /// Leaky ReLU of slope 0.2 times `gain` of it; with sqrt(2), StyleGAN2's, as scaled_leaky_relu(). Needs a bias.
  torch::Tensor activated(const torch::Tensor& x, double gain = std::numbers::sqrt2);

  torch::Tensor weight, bias;

 private:
  Options options_;
};
TORCH_MODULE(EqualConv2d);

/// Leaky ReLU of slope 0.2 times sqrt(2), which keeps the variance (Karras et al. 2020, StyleGAN2's published code).
torch::Tensor scaled_leaky_relu(const torch::Tensor& x);

/// x / sqrt(mean(x^2) + 1e-8) over dimension 1 (pixel norm, Karras et al. 2018, section 4.2).
torch::Tensor pixel_norm(const torch::Tensor& x);

/// The filter [1, 3, 3, 1] / 8 down and across, each channel by itself; zeros outside: `before` rows and columns on the
/// top and left, `after` on the bottom and right, either may be 0. `gain` multiplies the result. Differentiable twice.
torch::Tensor blur(const torch::Tensor& x, int before, int after, double gain = 1.0);
/// Twice the size: zeros between the pixels, then blur with gain 4 (upfirdn2d of StyleGAN2, up 2, pads 2 and 1).
torch::Tensor enlarge_filtered(const torch::Tensor& x);
/// Half the size: blur, then every second pixel (upfirdn2d, down 2, pads 1 and 1).
torch::Tensor reduce_filtered(const torch::Tensor& x);

}  // namespace ganvas
