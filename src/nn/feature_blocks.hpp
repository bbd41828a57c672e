#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <nlohmann/json.hpp>
#include <string>

/// Pieces of feature networks.
namespace ganvas {

/// What a network's first layer expects.
enum class InputNorm { imagenet, plain };

/// Reads the config value `input`. Throws Error(recipe).
InputNorm input_norm(const nlohmann::json& config);
std::string input_norm_name(InputNorm norm);
/// [0,1] -> (x - mean) / deviation of torchvision's training pictures, or as it is.
torch::Tensor normalise_input(const torch::Tensor& images, InputNorm norm);

/// A frozen network's first convolution: in fp32 even under autocast, the result in autocast's precision.
torch::Tensor first_conv(torch::nn::Conv2d& conv, const torch::Tensor& images);

torch::Tensor relu_step(const torch::Tensor& x, bool overwrite);

/// One pixel of reflection on each side (of repetition where a side has only one). One copy there and one back: with
/// LibTorch's own padding or cat() it would cost more than the convolution behind it.
torch::Tensor reflect_one(const torch::Tensor& x);

/// SqueezeNet's pooling: 3x3, stride 2, no padding, a last incomplete window counted.
torch::Tensor pool_ceil(const torch::Tensor& x);

}  // namespace ganvas
