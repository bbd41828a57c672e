#pragma once

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

/// Pieces of networks that treat pixels as tokens. Such pictures are N x H x W x C here ("tokens"), so that linear
/// layers and layer norms work on the last dimension; the rest of ganvas has N x C x H x W.
namespace ganvas {

torch::Tensor to_tokens(const torch::Tensor& picture);
torch::Tensor to_picture(const torch::Tensor& tokens);

/// These count against the WeightBudget, as make_conv() does.
torch::nn::Linear make_linear(int in, int out, bool bias = true);
torch::nn::LayerNorm make_token_norm(int channels);
/// A convolution of each channel by itself that keeps the size.
torch::nn::Conv2d make_depthwise(int channels, int kernel, bool bias = true);

/// A convolution of tokens.
torch::Tensor conv_tokens(torch::nn::Conv2d& conv, const torch::Tensor& tokens);

/// Layer norm over the channels of each pixel of N x C x H x W.
class ChannelNormImpl : public torch::nn::Module {
 public:
  explicit ChannelNormImpl(int channels, double eps = 1e-6);
  torch::Tensor forward(const torch::Tensor& picture);

 private:
  torch::Tensor weight_, bias_;
  double eps_;
};
TORCH_MODULE(ChannelNorm);

/// fc2(GELU(fc1(x))).
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(int channels, int hidden);
  torch::Tensor forward(const torch::Tensor& tokens);

 private:
  torch::nn::Linear fc1_, fc2_;
};
TORCH_MODULE(Mlp);

/// The same with h + GELU(depthwise(h)) between (SRFormer, Zhou et al. 2023, section 3.3).
class ConvFfnImpl : public torch::nn::Module {
 public:
  ConvFfnImpl(int channels, int hidden, int kernel);
  torch::Tensor forward(const torch::Tensor& tokens);

 private:
  torch::nn::Linear fc1_, fc2_;
  torch::nn::Conv2d depthwise_;
};
TORCH_MODULE(ConvFfn);

/// The same with half of the hidden features as a gate of the other (DAT, Chen et al. 2023, equation 8).
class GatedFfnImpl : public torch::nn::Module {
 public:
  GatedFfnImpl(int channels, int hidden);
  torch::Tensor forward(const torch::Tensor& tokens);

 private:
  int half_;
  torch::nn::Linear fc1_, fc2_;
  torch::nn::LayerNorm norm_;
  torch::nn::Conv2d conv_;
};
TORCH_MODULE(GatedFfn);

/// A weight in [0, 1] for each channel from its mean over the whole picture (RCAN, Zhang et al. 2018, equations 6 to
/// 9).
class ChannelAttentionImpl : public torch::nn::Module {
 public:
  /// The paths are those of its two 1x1 convolutions.
  ChannelAttentionImpl(int channels, int squeezed, const std::string& squeeze = "attention.1",
                       const std::string& excite = "attention.3");
  torch::Tensor forward(const torch::Tensor& picture);

 private:
  torch::nn::Conv2d squeeze_, excite_;
};
TORCH_MODULE(ChannelAttention);

}  // namespace ganvas
