#pragma once

#include <torch/nn/modules/conv.h>

/// DySample (Liu et al. 2023): enlargement by sampling at places that the features themselves say.
namespace ganvas {

class DySampleImpl : public torch::nn::Module {
 public:
  /// `groups` of channels are sampled at places of their own. Without `mix` the result keeps its channels; else a last
  /// 1x1 convolution makes `out` of them.
  DySampleImpl(int channels, int out, int scale, int groups, bool mix);
  /// N x channels x H x W -> N x out x scale*H x scale*W, in fp32.
  torch::Tensor forward(const torch::Tensor& features);

 private:
  int scale_, groups_;
  torch::Tensor start_;
  torch::nn::Conv2d offset_, scope_, mix_{nullptr};
};
TORCH_MODULE(DySample);

}  // namespace ganvas
