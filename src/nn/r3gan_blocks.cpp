#include "nn/r3gan_blocks.hpp"

#include <torch/torch.h>

#include <cmath>
#include <numeric>

#include "nn/blocks.hpp"
#include "nn/paths.hpp"

namespace ganvas::r3gan {

namespace nn = torch::nn;
using torch::Tensor;

namespace {

nn::Conv2d make_layer(int in, int out, int kernel, int groups, double gain) {
  const std::int64_t fan_in = static_cast<std::int64_t>(in) / groups * kernel * kernel;
  WeightBudget::spend(fan_in * out);
  nn::Conv2d conv(nn::Conv2dOptions(in, out, kernel).padding(kernel / 2).groups(groups).bias(false));
  const torch::NoGradGuard no_grad;
  conv->weight.normal_(0, gain / std::sqrt(static_cast<double>(fan_in)));
  return conv;
}

Tensor add_bias(nn::Module& owner, const char* name, int channels) {
  return module_at(owner, name).register_parameter("Bias", torch::zeros({channels}));
}

Tensor activated(const Tensor& x, const Tensor& bias) {
  return torch::leaky_relu(x + bias.view({1, -1, 1, 1}).to(x.scalar_type()), 0.2);
}

}  // namespace

int Stages::total_blocks() const { return std::accumulate(blocks.begin(), blocks.end(), 0); }

nn::Conv2d add_pointwise(nn::Module& owner, const std::string& path, int in, int out) {
  return register_at(owner, path + ".Layer", make_layer(in, out, 1, 1, 1.0));
}

std::vector<std::shared_ptr<ResidualBlock>> add_blocks(nn::Module& owner, const std::string& prefix, int first,
                                                       const Stages& stages, std::size_t s) {
  const int width = stages.widths[s];
  std::vector<std::shared_ptr<ResidualBlock>> blocks;
  for (int i = 0; i < stages.blocks[s]; ++i)
    blocks.push_back(
        register_at(owner, prefix + std::to_string(first + i),
                    std::make_shared<ResidualBlock>(width, 2 * width / stages.group_width, stages.total_blocks())));
  return blocks;
}

ResidualBlock::ResidualBlock(int channels, int groups, int blocks) {
  const double gain = std::sqrt(2.0 / 1.04) * std::pow(std::max(blocks, 1), -0.25);
  const int inside = 2 * channels;
  first_ = register_at(*this, "LinearLayer1.Layer", make_layer(channels, inside, 1, 1, gain));
  second_ = register_at(*this, "LinearLayer2.Layer", make_layer(inside, inside, 3, groups, gain));
  third_ = register_at(*this, "LinearLayer3.Layer", make_layer(inside, channels, 1, 1, 0));
  first_bias_ = add_bias(*this, "NonLinearity1", inside);
  second_bias_ = add_bias(*this, "NonLinearity2", inside);
}

Tensor ResidualBlock::forward(const Tensor& x) {
  const Tensor y = second_->forward(activated(first_->forward(x), first_bias_));
  return x + third_->forward(activated(y, second_bias_));
}

}  // namespace ganvas::r3gan
