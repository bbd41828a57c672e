#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

/// Layers of progressive growing (Karras et al. 2018) under the names of rosinality/progressive-gan-pytorch.
namespace ganvas {

/// Two convolutions with equalised rates (gain sqrt(2)), each with a leaky ReLU of 0.2; with `norm` a pixel norm stands
/// before it.
class ProgressiveBlock final : public torch::nn::Module {
 public:
  struct Options {
    int in = 1, out = 1;
    int kernel = 3, padding = 1, second_kernel = 3, second_padding = 1;
    bool norm = false;
  };
  explicit ProgressiveBlock(const Options& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  struct Layer {
    torch::Tensor weight, bias;
    double gain;
    int padding;
  };
  Layer add(const char* index, int in, int out, int kernel, int padding);
  torch::Tensor applied(const Layer& layer, const torch::Tensor& x) const;

  bool norm_;
  Layer first_, second_;
};

}  // namespace ganvas
