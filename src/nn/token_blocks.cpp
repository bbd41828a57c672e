#include "nn/token_blocks.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/paths.hpp"

namespace ganvas {

namespace nn = torch::nn;
using torch::Tensor;

Tensor to_tokens(const Tensor& picture) { return picture.permute({0, 2, 3, 1}); }

Tensor to_picture(const Tensor& tokens) { return tokens.permute({0, 3, 1, 2}); }

nn::Linear make_linear(int in, int out, bool bias) {
  WeightBudget::spend(std::int64_t{in} * out + out + 16);
  return nn::Linear(nn::LinearOptions(in, out).bias(bias));
}

nn::LayerNorm make_token_norm(int channels) {
  WeightBudget::spend(2 * channels + 16);
  return nn::LayerNorm(nn::LayerNormOptions({channels}));
}

nn::Conv2d make_depthwise(int channels, int kernel, bool bias) {
  return make_conv(nn::Conv2dOptions(channels, channels, kernel).padding(kernel / 2).groups(channels).bias(bias));
}

Tensor conv_tokens(nn::Conv2d& conv, const Tensor& tokens) { return to_tokens(conv->forward(to_picture(tokens))); }

ChannelNormImpl::ChannelNormImpl(int channels, double eps) : eps_(eps) {
  WeightBudget::spend(2 * channels + 16);
  weight_ = register_parameter("weight", torch::ones({channels}));
  bias_ = register_parameter("bias", torch::zeros({channels}));
}

Tensor ChannelNormImpl::forward(const Tensor& picture) {
  return to_picture(torch::layer_norm(to_tokens(picture), weight_.sizes(), weight_, bias_, eps_));
}

MlpImpl::MlpImpl(int channels, int hidden)
    : fc1_(register_module("fc1", make_linear(channels, hidden))),
      fc2_(register_module("fc2", make_linear(hidden, channels))) {}

Tensor MlpImpl::forward(const Tensor& tokens) { return fc2_->forward(torch::gelu(fc1_->forward(tokens))); }

ConvFfnImpl::ConvFfnImpl(int channels, int hidden, int kernel)
    : fc1_(register_module("fc1", make_linear(channels, hidden))),
      fc2_(register_module("fc2", make_linear(hidden, channels))),
      depthwise_(make_depthwise(hidden, kernel)) {
  register_at(*this, "dwconv.depthwise_conv.0", depthwise_);
}

Tensor ConvFfnImpl::forward(const Tensor& tokens) {
  const Tensor hidden = torch::gelu(fc1_->forward(tokens));
  return fc2_->forward(hidden + torch::gelu(conv_tokens(depthwise_, hidden)));
}

namespace {

int half_of(int hidden) {
  if (hidden % 2 != 0) fail(ErrorKind::recipe, "hidden: {} features have no halves", hidden);
  return hidden / 2;
}

}  // namespace

GatedFfnImpl::GatedFfnImpl(int channels, int hidden)
    : half_(half_of(hidden)),
      fc1_(register_module("fc1", make_linear(channels, hidden))),
      fc2_(register_module("fc2", make_linear(hidden / 2, channels))),
      norm_(register_at(*this, "sg.norm", make_token_norm(hidden / 2))),
      conv_(register_at(*this, "sg.conv", make_depthwise(hidden / 2, 3))) {}

Tensor GatedFfnImpl::forward(const Tensor& tokens) {
  const Tensor hidden = torch::gelu(fc1_->forward(tokens));
  const Tensor gate = conv_tokens(conv_, norm_->forward(hidden.narrow(-1, half_, half_)));
  return fc2_->forward(hidden.narrow(-1, 0, half_) * gate);
}

ChannelAttentionImpl::ChannelAttentionImpl(int channels, int squeezed, const std::string& squeeze,
                                           const std::string& excite)
    : squeeze_(register_at(*this, squeeze, make_conv(channels, squeezed, 1))),
      excite_(register_at(*this, excite, make_conv(squeezed, channels, 1))) {}

Tensor ChannelAttentionImpl::forward(const Tensor& picture) {
  const Tensor means = picture.mean({2, 3}, /*keepdim=*/true);
  return picture * torch::sigmoid(excite_->forward(relu_of(squeeze_->forward(means))));
}

}  // namespace ganvas
