#include "nn/modulated_style.hpp"

#include <torch/torch.h>

#include "nn/blocks.hpp"
#include "nn/mixed.hpp"
#include "nn/translator_layers.hpp"

namespace ganvas {

ConvLayerImpl::ConvLayerImpl(int in, int out, int kernel, int stride, int groups) : border_(kernel / 2) {
  conv_layer =
      register_module("conv_layer", make_conv(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).groups(groups)));
}

torch::Tensor ConvLayerImpl::forward(const torch::Tensor& x) {
  const torch::Tensor in = x.to(conv_layer->weight.scalar_type());
  return conv_layer->forward(border_ > 0 ? reflect_pad(in, border_) : in);
}

torch::Tensor ConvLayerImpl::picture_of(const torch::Tensor& x) {
  return output_conv(conv_layer, border_ > 0 ? reflect_pad(x, border_) : x);
}

ResidualLayerImpl::ResidualLayerImpl(int channels) : conv1(channels, channels, 3), conv2(channels, channels, 3) {
  register_module("conv1", conv1);
  register_module("conv2", conv2);
}

torch::Tensor ResidualLayerImpl::forward(const torch::Tensor& x) {
  return x + conv2->forward(relu_of(conv1->forward(x)));
}

torch::Tensor ResidualLayerImpl::modulated(const torch::Tensor& x, const torch::Tensor& weight,
                                           const torch::Tensor& bias) {
  const torch::Tensor inner = relu_of(weight * conv1->forward(x) + bias * x);
  return x + weight * conv2->forward(inner) + bias * inner;
}

namespace {

/// ResidualLayer::modulated() of normalised features, the modulation in the weights of its two convolutions. Not so the
/// normalising: features of a picture of low contrast lie close together and far from zero, where bf16 has few digits.
class PlainStep final : public Generator {
 public:
  PlainStep(ResidualLayer layer, torch::Tensor factor, torch::Tensor shift, const torch::Tensor& weight,
            const torch::Tensor& bias)
      : factor_(std::move(factor)), shift_(std::move(shift)) {
    const torch::NoGradGuard no_grad;
    // weight * conv(x) + bias * x as one convolution.
    const auto modulated = [&](const torch::nn::Conv2d& conv) {
      torch::Tensor made = conv->weight * weight.view({-1, 1, 1, 1});
      made.select(3, 1).select(2, 1).diagonal().add_(bias.flatten());
      return made;
    };
    const torch::nn::Conv2d &first = layer->conv1->conv_layer, &second = layer->conv2->conv_layer;
    weight1_ = register_parameter("weight1", modulated(first), false);
    bias1_ = register_parameter("bias1", first->bias * weight.flatten(), false);
    weight2_ = register_parameter("weight2", modulated(second), false);
    bias2_ = register_parameter("bias2", second->bias * weight.flatten(), false);
  }
  torch::Tensor forward(const torch::Tensor& features) override {
    const torch::Tensor x = features * factor_ + shift_;
    const torch::Tensor inner = relu_of(torch::conv2d(reflect_pad(x, 1), weight1_, bias1_));
    return x + torch::conv2d(reflect_pad(inner, 1), weight2_, bias2_);
  }
  GeneratorInfo info() const override {
    const int channels = static_cast<int>(weight1_.size(0));
    return {.in_channels = channels, .out_channels = channels, .halo = 2};
  }
  std::string architecture() const override { return "style step"; }
  nlohmann::json config() const override { return nlohmann::json::object(); }

 private:
  torch::Tensor factor_, shift_, weight1_, bias1_, weight2_, bias2_;
};

}  // namespace

StyleEncoderImpl::StyleEncoderImpl(torch::nn::Sequential first, int channels) : enc1(std::move(first)) {
  enc1->push_back(ResidualLayer(channels));
  enc2->push_back(ResidualLayer(channels));
  register_module("enc1", enc1);
  register_module("enc2", enc2);
}

torch::Tensor StyleEncoderImpl::forward(const torch::Tensor& pictures) { return both(pictures).second; }

std::pair<torch::Tensor, torch::Tensor> StyleEncoderImpl::both(const torch::Tensor& pictures) {
  const torch::Tensor first = enc1->forward(pictures);
  return {first, enc2->forward(first)};
}

void ModulatedStyleNetwork::build(torch::nn::Sequential content, torch::nn::Sequential style, int channels) {
  content_encoder_ = register_module("content_encoder", StyleEncoder(std::move(content), channels));
  style_encoder_ = register_module("style_encoder", StyleEncoder(std::move(style), channels));
  const auto modulator = register_module("modulator", std::make_shared<torch::nn::Module>("modulator"));
  for (const char* name : {"weight1", "bias1", "weight2", "bias2"}) {
    const ConvLayer layer(channels, channels, 3, 1, channels);
    torch::nn::Sequential alone;
    alone->push_back(layer);
    modulator->register_module(name, alone);
    modulator_.emplace(name, layer);
  }
  decoder_ = register_module("decoder", std::make_shared<torch::nn::Module>("decoder"));
  dec1_ = decoder_->register_module("dec1", ResidualLayer(channels));
  dec2_ = decoder_->register_module("dec2", ResidualLayer(channels));
}

void ModulatedStyleNetwork::start_middle_plain() {
  const torch::NoGradGuard no_grad;
  for (const auto& parameter : named_parameters())
    if (parameter.key().find(".conv2.conv_layer.") != std::string::npos) parameter.value().mul_(0.01);
  for (auto& [name, layer] : modulator_) {
    layer->conv_layer->weight.mul_(0.1);
    layer->conv_layer->bias.fill_(name.starts_with("weight") ? 1 : 0);
    if (!name.starts_with("weight")) layer->conv_layer->weight.zero_();
  }
}

torch::Tensor ModulatedStyleNetwork::signal(const char* name, const torch::Tensor& features,
                                            const torch::Tensor& weights) {
  return observe(modulator_.at(name)->forward(features), Observation::moments, weights).mean;
}

StyleCode ModulatedStyleNetwork::encode_style(const torch::Tensor& pictures, const torch::Tensor& weights) {
  const auto [first, second] = style_encoder_->both(pictures);
  const auto of_first = observe(first, Observation::moments, weights);
  const auto of_second = observe(second, Observation::moments, weights);
  return {{"mean1", of_first.mean},
          {"deviation1", of_first.deviation()},
          {"mean2", of_second.mean},
          {"deviation2", of_second.deviation()},
          {"weight1", signal("weight1", first, weights)},
          {"bias1", signal("bias1", first, weights)},
          {"weight2", signal("weight2", second, weights)},
          {"bias2", signal("bias2", second, weights)}};
}

ModulatedStyleNetwork::Change ModulatedStyleNetwork::change(int step, const StyleStatistics& own,
                                                            const StyleCode& code) const {
  // The deep features' style comes first, as the decoder goes back.
  const std::string level = step == 0 ? "2" : "1";
  const torch::Tensor factor = code.at("deviation" + level) / own.deviation().to(torch::kFloat);
  const torch::Tensor shift = code.at("mean" + level) - own.mean.to(torch::kFloat) * factor;
  return {step == 0 ? dec1_ : dec2_, factor, shift, code.at("weight" + level), code.at("bias" + level)};
}

torch::Tensor ModulatedStyleNetwork::apply(int step, const torch::Tensor& x, const StyleStatistics& own,
                                           const StyleCode& code) {
  Change made = change(step, own, code);
  return made.layer->modulated(torch::addcmul(made.shift, x, made.factor), made.weight, made.bias);
}

GeneratorPtr ModulatedStyleNetwork::plain_step(int step, const StyleStatistics& own, const StyleCode& code) {
  const Change made = change(step, own, code);
  return made.factor.size(0) == 1
             ? std::make_shared<PlainStep>(made.layer, made.factor, made.shift, made.weight, made.bias)
             : nullptr;
}

}  // namespace ganvas
