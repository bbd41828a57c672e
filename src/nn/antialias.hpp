#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

/// Resampling with a small blur against aliasing (Zhang 2019, "Making convolutional networks shift-invariant again"),
/// as CUT's generator has it. Both keep their filter in a buffer `filt`, C x 1 x k x k.
namespace ganvas {

/// Half the size: binomial filter of 3, edges reflected.
class BlurDownImpl : public torch::nn::Module {
 public:
  explicit BlurDownImpl(int channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::Tensor filter_;
};
TORCH_MODULE(BlurDown);

/// Twice the size: binomial filter of 4, edges repeated.
class BlurUpImpl : public torch::nn::Module {
 public:
  explicit BlurUpImpl(int channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::Tensor filter_;
};
TORCH_MODULE(BlurUp);

}  // namespace ganvas
