#include "nn/r3gan_blocks.hpp"

#include <torch/torch.h>

#include <cmath>
#include <numeric>

#include "nn/blocks.hpp"

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

nn::Conv2d add_layer(nn::Module& owner, const char* name, nn::Conv2d conv) {
  owner.register_module(name, std::make_shared<Named>())->register_module("Layer", conv);
  return conv;
}

Tensor add_bias(nn::Module& owner, const char* name, int channels) {
  return owner.register_module(name, std::make_shared<Named>())->register_parameter("Bias", torch::zeros({channels}));
}

Tensor activated(const Tensor& x, const Tensor& bias) {
  return torch::leaky_relu(x + bias.view({1, -1, 1, 1}).to(x.scalar_type()), 0.2);
}

}  // namespace

int Stages::total_blocks() const { return std::accumulate(blocks.begin(), blocks.end(), 0); }

nn::Conv2d add_pointwise(nn::Module& owner, const char* name, int in, int out, double gain) {
  return add_layer(owner, name, make_layer(in, out, 1, 1, gain));
}

ResidualBlock::ResidualBlock(int channels, int groups, int blocks) {
  const double gain = std::sqrt(2.0 / 1.04) * std::pow(std::max(blocks, 1), -0.25);
  const int inside = 2 * channels;
  first_ = add_layer(*this, "LinearLayer1", make_layer(channels, inside, 1, 1, gain));
  second_ = add_layer(*this, "LinearLayer2", make_layer(inside, inside, 3, groups, gain));
  third_ = add_layer(*this, "LinearLayer3", make_layer(inside, channels, 1, 1, 0));
  first_bias_ = add_bias(*this, "NonLinearity1", inside);
  second_bias_ = add_bias(*this, "NonLinearity2", inside);
}

Tensor ResidualBlock::forward(const Tensor& x) {
  const Tensor y = second_->forward(activated(first_->forward(x), first_bias_));
  return x + third_->forward(activated(y, second_bias_));
}

}  // namespace ganvas::r3gan
