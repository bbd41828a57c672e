#include "nn/translator_layers.hpp"

#include <torch/torch.h>

#include "nn/blocks.hpp"
#include "nn/norm.hpp"
#include "nn/translator_kernels.hpp"

namespace ganvas {

torch::Tensor reflect_pad(const torch::Tensor& x, int border) {
  if (has_translator_kernels(x)) return reflect_pad_channels_last(x, border);
  return torch::reflection_pad2d(x, {border, border, border, border});
}

torch::Tensor FastInstanceNormImpl::forward(const torch::Tensor& x) {
  if (has_translator_kernels(x)) return instance_norm_channels_last(x, 1e-5);
  return torch::instance_norm(x, {}, {}, {}, {}, /*use_input_stats=*/true, 0.1, 1e-5, /*cudnn_enabled=*/true);
}

void push_generator_norm(torch::nn::Sequential& body, const std::string& kind, int channels) {
  if (kind == "instance") body->push_back(FastInstanceNorm());
  else push_norm(body, kind, channels);
}

torch::nn::Conv2d push_resize_conv(torch::nn::Sequential& body, int in, int out, bool bias) {
  WeightBudget::spend(static_cast<std::int64_t>(in) * out * 9);
  body->push_back(
      torch::nn::Upsample(torch::nn::UpsampleOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest)));
  body->push_back(ReflectPad(1));
  torch::nn::Conv2d conv(torch::nn::Conv2dOptions(in, out, 3).bias(bias));
  body->push_back(conv);
  return conv;
}

}  // namespace ganvas
