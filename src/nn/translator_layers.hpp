#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <string>

/// Layers of the translation networks that LibTorch has, but not in every precision on every CPU.
namespace ganvas {

/// N x C x H x W with `border` reflected pixels on all sides; border < H, W.
torch::Tensor reflect_pad(const torch::Tensor& x, int border);

class ReflectPadImpl : public torch::nn::Module {
 public:
  explicit ReflectPadImpl(int border) : border_(border) {}
  torch::Tensor forward(const torch::Tensor& x) { return reflect_pad(x, border_); }

 private:
  int border_;
};
TORCH_MODULE(ReflectPad);

/// As torch::nn::InstanceNorm2d without parameters, eps 1e-5; but differentiable only once.
class FastInstanceNormImpl : public torch::nn::Module {
 public:
  torch::Tensor forward(const torch::Tensor& x);
};
TORCH_MODULE(FastInstanceNorm);

/// push_norm() for generators, whose gradients nobody differentiates again.
void push_generator_norm(torch::nn::Sequential& body, const std::string& kind, int channels);

/// Doubled by repetition, one reflected pixel around it, convolved 3x3. Every pixel of the result has seen the same
/// number of weights: no checkerboard (Odena et al. 2016). Three layers; the convolution comes back.
torch::nn::Conv2d push_resize_conv(torch::nn::Sequential& body, int in, int out, bool bias);

}  // namespace ganvas
