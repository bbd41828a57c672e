// MSRResNet of BasicSR: SRResNet (Ledig et al. 2017) without batch normalisation, which learns what is to be added to
// the bilinear enlargement of the input.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/mixed.hpp"

namespace ganvas::msrresnet_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

Tensor lrelu(Tensor x) { return leaky_relu_of(std::move(x), 0.1); }

class MsrResNet final : public Generator {
 public:
  explicit MsrResNet(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        channels_(positive(config, "channels", 64)),
        blocks_(positive(config, "blocks", 16)),
        scale_(positive(config, "scale", 4)) {
    check_keys(config, {"in_channels", "out_channels", "channels", "blocks", "scale"});
    if (scale_ < 2 || scale_ > 4) fail(ErrorKind::recipe, "scale: {} is not 2, 3 or 4", scale_);
    if (out_ != in_ && in_ != 1 && out_ != 1)
      fail(ErrorKind::recipe, "msrresnet: {} input and {} output channels can't be added", in_, out_);
    steps_ = upsampler_steps(scale_);
    first_ = register_module("conv_first", make_conv(in_, channels_));
    init_he(first_, 0.1);
    for (int i = 0; i < blocks_; ++i) {
      ResidualBlock block(channels_);
      init_he(block->conv1, 0.1);
      init_he(block->conv2, 0.1);
      body_->push_back(block);
    }
    register_module("body", body_);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      ups_.push_back(make_conv(channels_, channels_ * steps_[i] * steps_[i]));
      init_he(ups_.back(), 0.1);
      register_module(fmt::format("upconv{}", i + 1), ups_.back());
    }
    hr_ = register_module("conv_hr", make_conv(channels_, channels_));
    last_ = register_module("conv_last", make_conv(channels_, out_));
    init_he(hr_, 0.1);
    init_he(last_, 0.1);
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = body_->forward(lrelu(input_conv(first_, input)));
    for (std::size_t i = 0; i < ups_.size(); ++i) x = lrelu(torch::pixel_shuffle(ups_[i]->forward(x), steps_[i]));
    x = output_conv(last_, lrelu(hr_->forward(x)));
    // The base in the output's precision, which is never below fp32.
    return x + torch::upsample_bilinear2d(input.to(x.scalar_type()), {x.size(2), x.size(3)}, /*align_corners=*/false);
  }

  GeneratorInfo info() const override {
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = std::max(in_, out_),
            .halo = 1 + 2 * blocks_ + upsampler_halo(steps_, 2),
            .live_values = 3 * channels_ * scale_ * scale_};
  }
  std::string architecture() const override { return "msrresnet"; }
  nlohmann::json config() const override {
    return {
        {"in_channels", in_}, {"out_channels", out_}, {"channels", channels_}, {"blocks", blocks_}, {"scale", scale_}};
  }
  void soften_pixel_shuffles() override {
    for (std::size_t i = 0; i < ups_.size(); ++i) repeat_for_pixel_shuffle(ups_[i]->weight, steps_[i]);
  }

 private:
  int in_, out_, channels_, blocks_, scale_;
  std::vector<int> steps_;
  nn::Conv2d first_{nullptr}, hr_{nullptr}, last_{nullptr};
  nn::Sequential body_;
  std::vector<nn::Conv2d> ups_;
};

std::optional<Detected> detect(const StateDict& weights) {
  const bool old = weights.contains("recon_trunk.0.conv1.weight") && weights.contains("HRconv.weight");
  const bool current = weights.contains("body.0.conv1.weight") && weights.contains("conv_hr.weight");
  if ((!old && !current) || !weights.contains("conv_first.weight") || !weights.contains("upconv1.weight"))
    return std::nullopt;
  // Video networks (EDVR) end in the same layers.
  if (!only_prefixes(weights, {"conv_first.", "body.", "recon_trunk.", "upconv", "conv_hr.", "HRconv.", "conv_last."}))
    return std::nullopt;
  const StateDict own = !old ? weights : renamed(weights, [](const std::string& key) {
    if (key.starts_with("recon_trunk.")) return "body." + key.substr(12);
    if (key.starts_with("HRconv.")) return "conv_hr." + key.substr(7);
    return key;
  });
  const Tensor& first = conv_weight(own, "conv_first");
  const std::int64_t channels = first.size(0), planes = conv_weight(own, "upconv1").size(0);
  const bool two = own.contains("upconv2.weight");
  const int scale = planes == 4 * channels ? (two ? 4 : 2) : planes == 9 * channels && !two ? 3 : 0;
  if (scale == 0) fail(ErrorKind::model, "no scale gives {} planes of {} channels", planes, channels);
  return Detected{{{"in_channels", first.size(1)},
                   {"out_channels", conv_weight(own, "conv_last").size(0)},
                   {"channels", channels},
                   {"blocks", count_layers(own, "body.", ".conv1.weight")},
                   {"scale", scale}},
                  own,
                  old ? "MMSR" : "BasicSR"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "msrresnet",
          .summary = "MSRResNet: residual blocks over a bilinear base (BasicSR, after Ledig et al. 2017)",
          .order = 60,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<MsrResNet>(config); },
          .examples = {{{"channels", 8}, {"blocks", 2}, {"scale", 2}},
                       {{"channels", 8}, {"blocks", 1}, {"scale", 3}, {"in_channels", 1}},
                       {{"channels", 8}, {"blocks", 1}, {"scale", 4}}}};
}

}  // namespace ganvas::msrresnet_plugin
