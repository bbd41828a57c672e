#pragma once

#include <torch/nn/modules/conv.h>

/// DySample (Liu et al. 2023): enlargement by sampling at places that the features themselves say.
namespace ganvas {

class DySampleImpl : public torch::nn::Module {
 public:
  /// `groups` of channels are sampled at places of their own. Without `mix` the result keeps its channels; else a last
  /// 1x1 convolution makes `out` of them.
  DySampleImpl(int channels, int out, int scale, int groups, bool mix);
  /// N x channels x H x W -> N x out x scale*H x scale*W, in fp32. `picture`, if defined, is added to the features,
  /// each of its channels to scale^2 of theirs.
  torch::Tensor forward(const torch::Tensor& features, const torch::Tensor& picture = {});

 private:
  torch::Tensor group_weights() const;

  int scale_, groups_;
  torch::nn::Conv2d offset_, scope_, mix_{nullptr};
};
TORCH_MODULE(DySample);

/// How far a sampler of this scale is taken to look, in input pixels: to the neighbours of where it starts, and room
/// for trained offsets, which nothing bounds but which are rarely more than a pixel.
constexpr int sampler_reach(int scale) { return scale > 1 ? 4 : 3; }

}  // namespace ganvas
