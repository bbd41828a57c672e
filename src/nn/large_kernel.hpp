#pragma once

#include <torch/nn/modules/conv.h>

/// What PLKSR (Lee et al. 2024) and RealPLKSR share.
namespace ganvas {

/// A convolution with a large kernel of the first channels; the others pass (PLKSR, section 3.2).
class PartialLargeKernelImpl : public torch::nn::Module {
 public:
  PartialLargeKernelImpl(int channels, int kernel);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  int channels_;
  torch::nn::Conv2d conv_;
};
TORCH_MODULE(PartialLargeKernel);

/// x * sigmoid(conv(x)), a weight for every value.
class ElementAttentionImpl : public torch::nn::Module {
 public:
  explicit ElementAttentionImpl(int channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv_;
};
TORCH_MODULE(ElementAttention);

/// Throws Error(recipe) for an even kernel, or more channels than there are.
void check_large_kernel(int channels, int partial, int kernel);

}  // namespace ganvas
