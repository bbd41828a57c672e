// The network of fast neural style (Johnson et al. 2016, appendix; instance norm after Ulyanov et al. 2017), one style
// a file, under the keys of PyTorch's published example. Values 0..255; nothing bounds the result.
#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/legacy_norm.hpp"
#include "nn/mixed.hpp"
#include "nn/reach.hpp"
#include "nn/translator_kernels.hpp"
#include "nn/translator_layers.hpp"

namespace ganvas::transformer_net_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// Instance norm with a factor and a shift a channel, always by the picture's own statistics.
class AffineNormImpl : public nn::Module {
 public:
  explicit AffineNormImpl(int channels) {
    WeightBudget::spend(2 * channels);
    weight_ = register_parameter("weight", torch::ones({channels}));
    bias_ = register_parameter("bias", torch::zeros({channels}));
  }
  Tensor forward(const Tensor& x) {
    if (!has_translator_kernels(x))
      return torch::instance_norm(x, weight_, bias_, {}, {}, /*use_input_stats=*/true, 0.1, 1e-5,
                                  /*cudnn_enabled=*/true);
    return instance_norm_channels_last(x, 1e-5) * weight_.view({1, -1, 1, 1}) + bias_.view({1, -1, 1, 1});
  }

 private:
  Tensor weight_, bias_;
};
TORCH_MODULE(AffineNorm);

/// Reflection, then a convolution that adds no zeros.
class PaddedConvImpl : public nn::Module {
 public:
  PaddedConvImpl(int in, int out, int kernel, int stride)
      : conv2d(make_conv(nn::Conv2dOptions(in, out, kernel).stride(stride))), border_(kernel / 2) {
    register_module("conv2d", conv2d);
  }
  Tensor forward(const Tensor& x) { return conv2d->forward(reflect_pad(x, border_)); }
  /// In fp32: its result is the picture.
  Tensor picture_of(const Tensor& x) { return output_conv(conv2d, reflect_pad(x, border_)); }

  nn::Conv2d conv2d;

 private:
  int border_;
};
TORCH_MODULE(PaddedConv);

class StyleBlockImpl : public nn::Module {
 public:
  explicit StyleBlockImpl(int channels)
      : conv1_(channels, channels, 3, 1), conv2_(channels, channels, 3, 1), in1_(channels), in2_(channels) {
    register_module("conv1", conv1_);
    register_module("in1", in1_);
    register_module("conv2", conv2_);
    register_module("in2", in2_);
  }
  Tensor forward(const Tensor& x) {
    return x + in2_->forward(conv2_->forward(relu_of(in1_->forward(conv1_->forward(x)))));
  }

 private:
  PaddedConv conv1_, conv2_;
  AffineNorm in1_, in2_;
};
TORCH_MODULE(StyleBlock);

class TransformerNet final : public Generator {
 public:
  explicit TransformerNet(const nlohmann::json& config)
      : width_(positive(config, "width", 32)), blocks_(positive(config, "blocks", 5)) {
    check_keys(config, {"width", "blocks"});
    add("conv", "in", 1, PaddedConv(3, width_, 9, 1), width_);
    add("conv", "in", 2, PaddedConv(width_, 2 * width_, 3, 2), 2 * width_);
    add("conv", "in", 3, PaddedConv(2 * width_, 4 * width_, 3, 2), 4 * width_);
    for (int i = 1; i <= blocks_; ++i)
      residuals_.push_back(register_module(fmt::format("res{}", i), StyleBlock(4 * width_)));
    add("deconv", "in", 1, PaddedConv(4 * width_, 2 * width_, 3, 1), 2 * width_);
    add("deconv", "in", 2, PaddedConv(2 * width_, width_, 3, 1), width_);
    last_ = register_module("deconv3", PaddedConv(width_, 3, 9, 1));
  }

  Tensor forward(const Tensor& input) override {
    const bool tiny = std::min(input.size(2), input.size(3)) <= 4;  // reflections of a quarter need two pixels
    Tensor x = pad_to_multiple(input, tiny ? 8 : 4).to(convs_[0]->conv2d->weight.scalar_type());
    for (std::size_t i = 0; i < 3; ++i) x = normed(i, x);
    for (auto& block : residuals_) x = block->forward(x);
    for (std::size_t i = 3; i < 5; ++i) x = normed(i, enlarge_nearest(x, 2));
    return cut_to(last_->picture_of(x), input, 1);
  }

  GeneratorInfo info() const override {
    return {.multiple = 4,
            .halo = widest_reach(4, [this](Reach out) { return back(out); }),
            .global = true,
            .live_values = 3 * width_,
            .value_range = 255};
  }
  std::string architecture() const override { return "transformer-net"; }
  nlohmann::json config() const override { return {{"width", width_}, {"blocks", blocks_}}; }

 private:
  /// The published names count convolutions on the way down and up apart, norms through: deconv1 has in4.
  void add(const std::string& conv, const std::string& norm, int number, PaddedConv layer, int channels) {
    convs_.push_back(register_module(fmt::format("{}{}", conv, number), layer));
    norms_.push_back(register_module(fmt::format("{}{}", norm, norms_.size() + 1), AffineNorm(channels)));
  }
  Tensor normed(std::size_t i, const Tensor& x) { return relu_of(norms_[i]->forward(convs_[i]->forward(x))); }

  Reach back(Reach at) const {
    at = through_conv(at, 9, 1, 4);
    for (int i = 0; i < 2; ++i) {
      at = through_conv(at, 3, 1, 1);
      at = {divided_down(at.first, 2), divided_down(at.last, 2)};
    }
    at = through_conv(at, 1 + 4 * blocks_, 1, 2 * blocks_);
    for (int i = 0; i < 2; ++i) at = through_conv(at, 3, 2, 1);
    return through_conv(at, 9, 1, 4);
  }

  int width_, blocks_;
  std::vector<PaddedConv> convs_;
  std::vector<AffineNorm> norms_;
  std::vector<StyleBlock> residuals_;
  PaddedConv last_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("conv1.conv2d.weight") || !weights.contains("res1.conv1.conv2d.weight")) return std::nullopt;
  const Tensor& first = conv_weight(weights, "conv1.conv2d");
  const StateDict own = without_legacy_statistics(weights);
  return Detected{{{"width", first.size(0)}, {"blocks", count_layers(weights, "res", ".conv1.conv2d.weight", 1)}},
                  own,
                  own.size() < weights.size() ? "fast neural style, before PyTorch 0.4" : "fast neural style"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "transformer-net",
          .summary = "one style a file, fast neural style (Johnson et al. 2016; PyTorch's example)",
          .order = 62,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<TransformerNet>(config); },
          .examples = {{{"width", 4}, {"blocks", 1}}, {{"width", 3}, {"blocks", 2}}}};
}

}  // namespace ganvas::transformer_net_plugin
