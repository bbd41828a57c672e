#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <memory>
#include <string>
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

/// A 1x1 convolution without bias, registered as `path`.Layer below `owner`; variance 1 / in.
torch::nn::Conv2d add_pointwise(torch::nn::Module& owner, const std::string& path, int in, int out);

/// What the recipe's lists of widths and blocks mean: one entry a stage.
struct Stages {
  std::vector<int> widths, blocks;
  int group_width = 16;
  int total_blocks() const;
};

/// The residual blocks of stage `s` as `prefix``first`, `prefix``first + 1`, ... below `owner`.
std::vector<std::shared_ptr<ResidualBlock>> add_blocks(torch::nn::Module& owner, const std::string& prefix, int first,
                                                       const Stages& stages, std::size_t s);

}  // namespace ganvas::r3gan
