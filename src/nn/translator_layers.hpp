#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

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

/// As torch::nn::ConvTranspose2d; bf16 on a CPU without instructions for it goes through fp32.
class TransposedConvImpl : public torch::nn::ConvTranspose2dImpl {
 public:
  using ConvTranspose2dImpl::ConvTranspose2dImpl;
  torch::Tensor forward(const torch::Tensor& x);
};
TORCH_MODULE(TransposedConv);

}  // namespace ganvas
