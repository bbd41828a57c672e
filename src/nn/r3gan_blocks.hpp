#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <vector>

/// The layers that R3GAN's generator and discriminator share (Huang et al. 2024), under the published names.
namespace ganvas::r3gan {

/// x + 1x1(act(grouped 3x3(act(1x1 x)))): twice `channels` inside, `groups` groups, no norm. `blocks` of the whole
/// network scale the initial weights (section 3.2: Fix-up).
class ResidualBlock final : public torch::nn::Module {
 public:
  ResidualBlock(int channels, int groups, int blocks);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d first_{nullptr}, second_{nullptr}, third_{nullptr};
  torch::Tensor first_bias_, second_bias_;
};

/// A module that only gives its child another level of names: `Layer`.
struct Named : torch::nn::Module {};

/// A 1x1 convolution without bias, registered as `name`.Layer in `owner`; variance gain^2 / in.
torch::nn::Conv2d add_pointwise(torch::nn::Module& owner, const char* name, int in, int out, double gain = 1.0);

/// What the recipe's lists of widths and blocks mean: one entry a stage.
struct Stages {
  std::vector<int> widths, blocks;
  int group_width = 16;
  int total_blocks() const;
};
}  // namespace ganvas::r3gan
