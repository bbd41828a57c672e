// The residual generator of CycleGAN (Zhu et al. 2017, after Johnson et al. 2016) and its antialiased variant of CUT
// (Park et al. 2020). Keys as in the published code, whose file holds one sequence of layers.
#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/antialias.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/legacy_norm.hpp"
#include "nn/mixed.hpp"
#include "nn/reach.hpp"
#include "nn/translator_layers.hpp"
#include "nn/transposed_conv.hpp"

namespace ganvas::resnet_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

nn::Conv2d plain_conv(int in, int out, int kernel, int stride, int padding, bool bias) {
  WeightBudget::spend(static_cast<std::int64_t>(in) * out * kernel * kernel);
  return nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(padding).bias(bias));
}

class TranslatorBlockImpl : public nn::Module {
 public:
  TranslatorBlockImpl(int channels, const std::string& norm, bool bias, bool dropout) {
    nn::Sequential body;
    body->push_back(ReflectPad(1));
    body->push_back(plain_conv(channels, channels, 3, 1, 0, bias));
    push_generator_norm(body, norm, channels);
    body->push_back(nn::ReLU(nn::ReLUOptions(true)));
    if (dropout) body->push_back(nn::Dropout(0.5));
    body->push_back(ReflectPad(1));
    body->push_back(plain_conv(channels, channels, 3, 1, 0, bias));
    push_generator_norm(body, norm, channels);
    body_ = register_module("conv_block", body);
  }
  Tensor forward(const Tensor& x) { return x + body_->forward(x); }

 private:
  nn::Sequential body_{nullptr};
};
TORCH_MODULE(TranslatorBlock);

class ResNet final : public Generator {
 public:
  explicit ResNet(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        width_(positive(config, "width", 64)),
        blocks_(positive(config, "blocks", 9)),
        norm_(word(config, "norm", "instance")),
        dropout_(truth(config, "dropout", false)),
        antialias_(truth(config, "antialias", false)),
        upsample_(word(config, "upsample", antialias_ ? "antialias" : "transposed")) {
    check_keys(config, {"in_channels", "out_channels", "width", "blocks", "norm", "dropout", "antialias", "upsample"});
    const bool bias = norm_ == "instance";  // as published; a batch norm brings a shift of its own
    nn::Sequential body;
    const auto normed = [&](int channels) {
      push_generator_norm(body, norm_, channels);
      body->push_back(nn::ReLU(nn::ReLUOptions(true)));
    };
    body->push_back(ReflectPad(3));
    first_ = plain_conv(in_, width_, 7, 1, 0, bias);
    body->push_back(first_);
    normed(width_);
    for (int channels : {width_, 2 * width_}) {
      body->push_back(plain_conv(channels, 2 * channels, 3, antialias_ ? 1 : 2, 1, bias));
      normed(2 * channels);
      if (antialias_) body->push_back(BlurDown(2 * channels));
    }
    for (int i = 0; i < blocks_; ++i) body->push_back(TranslatorBlock(4 * width_, norm_, bias, dropout_));
    for (int channels : {4 * width_, 2 * width_}) push_upsampling(body, channels, bias), normed(channels / 2);
    body->push_back(ReflectPad(3));
    last_ = plain_conv(width_, out_, 7, 1, 0, true);
    body->push_back(last_);
    body->push_back(nn::Tanh());
    body_ = register_module("model", body);
  }

  Tensor forward(const Tensor& input) override {
    const std::int64_t height = input.size(2), width = input.size(3);
    Tensor x = padded(input).to(first_->weight.scalar_type());
    const auto end = body_->end() - 2;
    for (auto layer = body_->begin(); layer != end; ++layer) x = layer->forward(x);
    return torch::tanh(output_conv(last_, x)).slice(2, 0, height).slice(3, 0, width);
  }

  std::vector<Tensor> features(const Tensor& input, const std::vector<int>& layers) override {
    std::vector<Tensor> found(layers.size());
    const int last = layers.empty() ? -1 : *std::max_element(layers.begin(), layers.end());
    if (last >= static_cast<int>(body_->size()))
      fail(ErrorKind::recipe, "layer {}: this generator has {} layers", last, body_->size());
    Tensor x = padded(input).to(first_->weight.scalar_type());
    int index = 0;
    for (auto layer = body_->begin(); index <= last; ++layer, ++index) {
      x = layer->forward(x);
      for (std::size_t i = 0; i < layers.size(); ++i)
        if (layers[i] == index) found[i] = x;
    }
    return found;
  }

  GeneratorInfo info() const override {
    return {.scale = 1,
            .in_channels = in_,
            .out_channels = out_,
            .multiple = 4,
            .halo = widest_reach(4, [this](Reach out) { return back(out); }),
            .global = norm_ == "instance",
            .live_values = 3 * width_,
            .value_range = 1,
            .value_low = -1};
  }
  std::string architecture() const override { return "resnet"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_}, {"out_channels", out_}, {"width", width_},         {"blocks", blocks_},
            {"norm", norm_},      {"dropout", dropout_},  {"antialias", antialias_}, {"upsample", upsample_}};
  }

 private:
  Reach back(Reach at) const {
    at = through_conv(at, 7, 1, 3);
    for (int i = 0; i < 2; ++i) {
      if (upsample_ == "transposed") at = through_transposed(at, 3, 2, 1);
      if (upsample_ == "resize") at = through_resize_conv(at);
      // Behind its one repeated pixel.
      if (upsample_ == "antialias") at = through_conv(through_transposed(through_conv(at, 3, 1, 1), 4, 2, 3), 1, 1, 1);
    }
    at = through_conv(at, 1 + 4 * blocks_, 1, 2 * blocks_);
    for (int i = 0; i < 2; ++i)
      at = antialias_ ? through_conv(through_conv(at, 3, 2, 1), 3, 1, 1) : through_conv(at, 3, 2, 1);
    return through_conv(at, 7, 1, 3);
  }

  /// Reflections at a quarter of the size need two pixels.
  static Tensor padded(const Tensor& input) {
    const bool tiny = std::min(input.size(2), input.size(3)) <= 4;
    return pad_to_multiple(input, tiny ? 8 : 4);
  }

  void push_upsampling(nn::Sequential& body, int channels, bool bias) {
    if (upsample_ == "transposed") {
      WeightBudget::spend(static_cast<std::int64_t>(channels) * channels / 2 * 9);
      body->push_back(TransposedConv(
          nn::ConvTranspose2dOptions(channels, channels / 2, 3).stride(2).padding(1).output_padding(1).bias(bias)));
    } else if (upsample_ == "antialias") {
      body->push_back(BlurUp(channels));
      body->push_back(plain_conv(channels, channels / 2, 3, 1, 1, bias));
    } else if (upsample_ == "resize") {
      push_resize_conv(body, channels, channels / 2, bias);
    } else {
      fail(ErrorKind::recipe, "upsample '{}': expected transposed, resize or antialias", upsample_);
    }
  }

  int in_, out_, width_, blocks_;
  std::string norm_;
  bool dropout_, antialias_;
  std::string upsample_;
  nn::Sequential body_{nullptr};
  nn::Conv2d first_{nullptr}, last_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("model.1.weight") || !weights.contains("model.4.weight")) return std::nullopt;
  const bool antialias = weights.contains("model.7.filt");
  const int first = antialias ? 12 : 10;
  const int blocks = count_layers(weights, "model.", ".conv_block.1.weight", first);
  if (blocks == 0) return std::nullopt;
  const Tensor& stem = conv_weight(weights, "model.1");
  const std::string norm = weights.contains("model.2.weight") ? "batch"
                           : weights.contains("model.1.bias") ? "instance"
                                                              : "none";
  const int up = first + blocks;
  std::string upsample = "resize";
  int layers = up + 2 * 5;  // enlarge, pad, convolution, norm, ReLU
  if (weights.contains(fmt::format("model.{}.filt", up))) {
    upsample = "antialias";
    layers = up + 2 * 4;
  } else if (weights.contains(fmt::format("model.{}.weight", up))) {
    upsample = "transposed";
    layers = up + 2 * 3;
  }
  return Detected{{{"in_channels", stem.size(1)},
                   {"out_channels", conv_weight(weights, fmt::format("model.{}", layers + 1)).size(0)},
                   {"width", stem.size(0)},
                   {"blocks", blocks},
                   {"norm", norm},
                   {"dropout", !weights.contains(fmt::format("model.{}.conv_block.5.weight", first))},
                   {"antialias", antialias},
                   {"upsample", upsample}},
                  norm == "instance" ? without_legacy_statistics(weights) : weights,
                  antialias ? "CUT" : "CycleGAN"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "resnet",
          .summary = "residual translator (Johnson et al. 2016, Zhu et al. 2017; antialiased: Park et al. 2020)",
          .order = 60,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<ResNet>(config); },
          .examples = {{{"width", 4}, {"blocks", 2}},
                       {{"width", 4}, {"blocks", 1}, {"norm", "batch"}, {"dropout", true}, {"out_channels", 1}},
                       {{"width", 4}, {"blocks", 1}, {"norm", "none"}, {"upsample", "resize"}, {"in_channels", 1}},
                       {{"width", 4}, {"blocks", 1}, {"antialias", true}}}};
}

}  // namespace ganvas::resnet_plugin
