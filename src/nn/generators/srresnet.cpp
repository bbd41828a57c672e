// SRResNet as its paper has it (Ledig et al. 2017, figure 4): batch norms, PReLUs, 9x9 convolutions at both ends, a
// skip over all blocks, pixel shuffles.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/mixed.hpp"

namespace ganvas::srresnet_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

class BlockImpl : public nn::Module {
 public:
  explicit BlockImpl(int channels) {
    conv1_ = register_module("conv1", make_conv(channels, channels));
    norm1_ = register_module("bn1", nn::BatchNorm2d(channels));
    slope_ = register_module("prelu", nn::PReLU());
    conv2_ = register_module("conv2", make_conv(channels, channels));
    norm2_ = register_module("bn2", nn::BatchNorm2d(channels));
  }
  Tensor forward(const Tensor& x) {
    const Tensor inner = slope_->forward(norm1_->forward(conv1_->forward(x)));
    return x + norm2_->forward(conv2_->forward(inner));
  }

 private:
  nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
  nn::BatchNorm2d norm1_{nullptr}, norm2_{nullptr};
  nn::PReLU slope_{nullptr};
};
TORCH_MODULE(Block);

class SrResNet final : public Generator {
 public:
  explicit SrResNet(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        channels_(positive(config, "channels", 64)),
        blocks_(positive(config, "blocks", 16)),
        scale_(positive(config, "scale", 4)) {
    check_keys(config, {"in_channels", "out_channels", "channels", "blocks", "scale"});
    steps_ = upsampler_steps(scale_);
    first_ = register_module("conv_first", make_conv(in_, channels_, 9));
    first_slope_ = register_module("prelu_first", nn::PReLU());
    for (int i = 0; i < blocks_; ++i) body_->push_back(Block(channels_));
    register_module("body", body_);
    after_ = register_module("conv_after_body", make_conv(channels_, channels_));
    after_norm_ = register_module("bn_after_body", nn::BatchNorm2d(channels_));
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      ups_.push_back(
          register_module(fmt::format("upconv{}", i + 1), make_conv(channels_, channels_ * steps_[i] * steps_[i])));
      up_slopes_.push_back(register_module(fmt::format("upprelu{}", i + 1), nn::PReLU()));
    }
    last_ = register_module("conv_last", make_conv(channels_, out_, 9));
  }

  Tensor forward(const Tensor& input) override {
    const Tensor shallow = first_slope_->forward(input_conv(first_, input));
    Tensor x = shallow + after_norm_->forward(after_->forward(body_->forward(shallow)));
    for (std::size_t i = 0; i < ups_.size(); ++i)
      x = up_slopes_[i]->forward(torch::pixel_shuffle(ups_[i]->forward(x), steps_[i]));
    return output_conv(last_, x);
  }

  GeneratorInfo info() const override {
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = out_,
            .halo = 5 + 2 * blocks_ + upsampler_halo(steps_, 4),
            .live_values = 3 * channels_ * scale_ * scale_};
  }
  std::string architecture() const override { return "srresnet"; }
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
  nn::Conv2d first_{nullptr}, after_{nullptr}, last_{nullptr};
  nn::PReLU first_slope_{nullptr};
  nn::Sequential body_;
  nn::BatchNorm2d after_norm_{nullptr};
  std::vector<nn::Conv2d> ups_;
  std::vector<nn::PReLU> up_slopes_;
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("conv_first.weight") || !weights.contains("prelu_first.weight") ||
      !weights.contains("body.0.bn1.weight"))
    return std::nullopt;
  const Tensor& first = conv_weight(weights, "conv_first");
  const std::int64_t channels = first.size(0);
  int scale = 1;
  for (int i = 1; weights.contains(fmt::format("upconv{}.weight", i)); ++i) {
    const std::int64_t planes = conv_weight(weights, fmt::format("upconv{}", i)).size(0);
    if (planes != 4 * channels && planes != 9 * channels)
      fail(ErrorKind::model, "no scale gives {} planes of {} channels", planes, channels);
    scale *= planes == 4 * channels ? 2 : 3;
  }
  return Detected{{{"in_channels", first.size(1)},
                   {"out_channels", conv_weight(weights, "conv_last").size(0)},
                   {"channels", channels},
                   {"blocks", count_layers(weights, "body.", ".conv1.weight")},
                   {"scale", scale}},
                  weights,
                  "ganvas"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "srresnet",
          .summary = "SRResNet: residual blocks with batch norm and PReLU (Ledig et al. 2017)",
          .order = 20,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<SrResNet>(config); },
          .examples = {{{"channels", 8}, {"blocks", 2}, {"scale", 4}},
                       {{"channels", 8}, {"blocks", 1}, {"scale", 3}, {"in_channels", 1}}}};
}

}  // namespace ganvas::srresnet_plugin
