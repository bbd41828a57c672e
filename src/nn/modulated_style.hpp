#pragma once

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include "ganvas/nn/style_network.hpp"

/// The middle of MicroAST (Wang et al. 2023): features at a quarter of the picture's size, normalised twice to a
/// style's means and deviations and changed by residual layers whose convolutions the style modulates.
namespace ganvas {

/// A convolution behind a reflection of half its kernel. Child: conv_layer.
class ConvLayerImpl : public torch::nn::Module {
 public:
  ConvLayerImpl(int in, int out, int kernel, int stride = 1, int groups = 1);
  torch::Tensor forward(const torch::Tensor& x);
  /// In fp32: its result is the picture.
  torch::Tensor picture_of(const torch::Tensor& x);

  torch::nn::Conv2d conv_layer{nullptr};

 private:
  int border_;
};
TORCH_MODULE(ConvLayer);

/// x + conv2(relu(conv1(x))).
class ResidualLayerImpl : public torch::nn::Module {
 public:
  explicit ResidualLayerImpl(int channels);
  torch::Tensor forward(const torch::Tensor& x);
  /// The same with each convolution's result times `weight` plus `bias` times what it was given (N x C x 1 x 1).
  torch::Tensor modulated(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

  ConvLayer conv1, conv2;
};
TORCH_MODULE(ResidualLayer);

/// From a picture to the features behind the first residual layer and behind the second. Children: enc1, enc2.
class StyleEncoderImpl : public torch::nn::Module {
 public:
  /// `first` ends before the first residual layer, which is appended to it.
  StyleEncoderImpl(torch::nn::Sequential first, int channels);
  torch::Tensor forward(const torch::Tensor& pictures);
  std::pair<torch::Tensor, torch::Tensor> both(const torch::Tensor& pictures);

  torch::nn::Sequential enc1, enc2;
};
TORCH_MODULE(StyleEncoder);

/// A network of this kind; what differs is how the encoders begin and how the decoder ends.
class ModulatedStyleNetwork : public StyleNetwork {
 public:
  StyleCode encode_style(const torch::Tensor& pictures, const torch::Tensor& weights) override;
  torch::Tensor encode(const torch::Tensor& pictures) override { return content_encoder_->forward(pictures); }
  torch::Tensor apply(int step, const torch::Tensor& features, const StyleStatistics& statistics,
                      const StyleCode& code) override;
  GeneratorPtr plain_step(int step, const StyleStatistics& statistics, const StyleCode& code) override;

 protected:
  /// To be called once, with sequences of their own for both encoders.
  void build(torch::nn::Sequential content, torch::nn::Sequential style, int channels);
  /// The features' two steps; a residual layer sees two places around one.
  static std::vector<StyleStep> both_steps() { return {{.reach = 2}, {.reach = 2}}; }
  /// Residual layers that add next to nothing yet, modulated by 1 and 0.
  void start_middle_plain();
  /// For what comes behind dec1 and dec2.
  torch::nn::Module& decoder() { return *decoder_; }

 private:
  /// What a step does: its layer, its features' new means and deviations (as factor and shift), and its modulation.
  struct Change {
    ResidualLayer layer;
    torch::Tensor factor, shift, weight, bias;
  };
  Change change(int step, const StyleStatistics& own, const StyleCode& code) const;
  torch::Tensor signal(const char* name, const torch::Tensor& features, const torch::Tensor& weights);

  StyleEncoder content_encoder_{nullptr}, style_encoder_{nullptr};
  std::map<std::string, ConvLayer> modulator_;
  std::shared_ptr<torch::nn::Module> decoder_;
  ResidualLayer dec1_{nullptr}, dec2_{nullptr};
};

}  // namespace ganvas
