#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

namespace ganvas {

/// torch::nn::ConvTranspose2d, several times faster on CPUs: see transposed_conv(). Bf16 on a CPU without instructions
/// for it goes through fp32.
class TransposedConvImpl : public torch::nn::ConvTranspose2dImpl {
 public:
  using ConvTranspose2dImpl::ConvTranspose2dImpl;
  torch::Tensor forward(const torch::Tensor& x);
};
TORCH_MODULE(TransposedConv);

/// The layer's convolution in the type of `x`, fp32 or bf16, with its weights in that type. LibTorch before 2.0 has no
/// other code for the CPU than a product of matrices whose results are then scattered, in fp32 alone; but a transposed
/// convolution is what a convolution does to gradients, and for that it takes oneDNN's code. Differentiable, also
/// twice.
torch::Tensor transposed_conv(const torch::nn::ConvTranspose2dImpl& layer, const torch::Tensor& x);

}  // namespace ganvas
