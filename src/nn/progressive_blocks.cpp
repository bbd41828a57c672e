#include "nn/progressive_blocks.hpp"

#include <torch/torch.h>

#include <fmt/format.h>

#include <cmath>

#include "nn/blocks.hpp"
#include "nn/equalised.hpp"
#include "nn/paths.hpp"

namespace ganvas {

namespace nn = torch::nn;
using torch::Tensor;

ProgressiveBlock::ProgressiveBlock(const Options& options)
    : norm_(options.norm),
      first_(add("0", options.in, options.out, options.kernel, options.padding)),
      second_(add(options.norm ? "3" : "2", options.out, options.out, options.second_kernel, options.second_padding)) {}

ProgressiveBlock::Layer ProgressiveBlock::add(const char* index, int in, int out, int kernel, int padding) {
  const std::int64_t fan_in = static_cast<std::int64_t>(in) * kernel * kernel;
  WeightBudget::spend(fan_in * out);
  nn::Module& owner = module_at(*this, fmt::format("conv.{}.conv", index));
  Layer layer{.weight = torch::randn({out, in, kernel, kernel}),
              .bias = torch::zeros({out}),
              .gain = std::sqrt(2.0 / static_cast<double>(fan_in)),
              .padding = padding};
  layer.bias = owner.register_parameter("bias", layer.bias);
  layer.weight = owner.register_parameter("weight_orig", layer.weight);
  return layer;
}

Tensor ProgressiveBlock::applied(const Layer& layer, const Tensor& x) const {
  const Tensor y = torch::conv2d(x, layer.weight * layer.gain, layer.bias, 1, layer.padding);
  return torch::leaky_relu(norm_ ? pixel_norm(y) : y, 0.2);
}

Tensor ProgressiveBlock::forward(const Tensor& x) { return applied(second_, applied(first_, x)); }

}  // namespace ganvas
