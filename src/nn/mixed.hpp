#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include "ganvas/nn/torch_compat.hpp"
#include "nn/transposed_conv.hpp"

/// Networks whose weights may be bf16 while pictures stay fp32. A picture in bf16 would have steps of a whole level of
/// 255 in its brighter half, so only the features in between are bf16.
namespace ganvas {

/// First convolution: takes the fp32 picture to the weights' precision.
inline torch::Tensor input_conv(torch::nn::Conv2d& conv, const torch::Tensor& picture) {
  return conv->forward(picture.to(conv->weight.scalar_type()));
}

/// Last convolution, in fp32 whatever came before: its result is (or is added to) the picture.
inline torch::Tensor output_conv(torch::nn::Conv2d& conv, const torch::Tensor& features) {
  const AutocastScope off(false, features.is_cuda());
  const auto& options = conv->options;
  return torch::conv2d(features.to(torch::kFloat), conv->weight.to(torch::kFloat),
                       conv->bias.defined() ? conv->bias.to(torch::kFloat) : conv->bias, options.stride(),
                       variant_get<torch::ExpandingArray<2>>(options.padding()), options.dilation(), options.groups());
}

inline torch::Tensor output_conv(torch::nn::ConvTranspose2dImpl& layer, const torch::Tensor& features) {
  const AutocastScope off(false, features.is_cuda());
  return transposed_conv(layer, features.to(torch::kFloat));
}

}  // namespace ganvas
