#include "nn/edsr_frame.hpp"

#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/mixed.hpp"

namespace ganvas {

namespace {

using torch::Tensor;

/// Mean colour of DIV2K's training pictures, for which all published weights are.
std::vector<double> default_mean(std::int64_t channels) {
  if (channels == 3) return {0.4488, 0.4371, 0.4040};
  return std::vector<double>(static_cast<std::size_t>(channels), 0.0);
}

std::vector<double> read_mean(const nlohmann::json& config, int channels) {
  if (!config.contains("mean")) return default_mean(channels);
  const auto& value = config.at("mean");
  std::vector<double> mean;
  for (const auto& entry : value)
    if (entry.is_number()) mean.push_back(entry.get<double>());
  if (!value.is_array() || mean.size() != value.size() || mean.size() != static_cast<std::size_t>(channels))
    fail(ErrorKind::recipe, "mean: {} is not a list of {} numbers", value.dump(), channels);
  return mean;
}

double range(const nlohmann::json& config, const char* key, double fallback) {
  const double value = real(config, key, fallback);
  if (!(value > 0 && value <= 65535)) fail(ErrorKind::recipe, "{}: {} is not in (0, 65535]", key, value);
  return value;
}

}  // namespace

EdsrFrame::EdsrFrame(const nlohmann::json& config, torch::nn::Sequential body, int body_halo)
    : channels_of_picture_(positive(config, "in_channels", 3)),
      channels_(positive(config, "channels", 64)),
      scale_(positive(config, "scale", 4)),
      unshuffle_(positive(config, "unshuffle", 1)),
      body_halo_(body_halo),
      res_scale_(real(config, "res_scale", 1.0)),
      value_range_(range(config, "value_range", 1.0)),
      img_range_(range(config, "img_range", 255.0)),
      mean_(read_mean(config, channels_of_picture_)),
      body_(std::move(body)) {
  if (scale_ > 64 || unshuffle_ > 16) fail(ErrorKind::recipe, "scale: {} is more than 64", scale_);
  first_ = register_module("conv_first", make_conv(channels_of_picture_ * unshuffle_ * unshuffle_, channels_));
  register_module("body", body_);
  after_body_ = register_module("conv_after_body", make_conv(channels_, channels_));
  upsample_ = register_module("upsample", make_upsampler(channels_, scale_ * unshuffle_));
  last_ = register_module("conv_last", make_conv(channels_, channels_of_picture_));
}

Tensor EdsrFrame::forward(const Tensor& input) {
  const double gain = img_range_ / value_range_;
  // (Not in place: LibTorch keeps the tensor itself as the constant of a trace, and would multiply it twice.)
  const Tensor mean = (torch::tensor(mean_, torch::kDouble) * value_range_).view({1, -1, 1, 1});
  Tensor x = pad_to_multiple(input, unshuffle_) - mean.to(input.options());
  if (gain != 1) x = x * gain;
  x = input_conv(first_, unshuffle_ > 1 ? torch::pixel_unshuffle(x, unshuffle_) : x);
  x = x + after_body_->forward(body_->forward(x));
  // An upsampler without steps (scale 1) is an empty sequence, which LibTorch refuses to run.
  x = output_conv(last_, upsample_->is_empty() ? x : upsample_->forward(x));
  if (gain != 1) x = x / gain;
  x = x + mean.to(x.options());
  if (unshuffle_ == 1) return x;
  return cut_to(x, input, scale_);
}

void EdsrFrame::soften_pixel_shuffles() {
  const auto steps = upsampler_steps(scale_ * unshuffle_);
  for (std::size_t i = 0; i < steps.size(); ++i)
    repeat_for_pixel_shuffle(upsample_->ptr<torch::nn::Conv2dImpl>(2 * i)->weight, steps[i]);
}

GeneratorInfo EdsrFrame::info() const {
  return {.scale = scale_,
          .in_channels = channels_of_picture_,
          .out_channels = channels_of_picture_,
          .multiple = unshuffle_,
          .halo = unshuffle_ * (1 + body_halo_ + 1 + upsampler_halo(upsampler_steps(scale_ * unshuffle_), 1)) +
                  unshuffle_ - 1,
          .live_values = channels_ * std::max(4, 3 * scale_ * scale_),
          .value_range = value_range_};
}

nlohmann::json EdsrFrame::config() const {
  nlohmann::json config{
      {"in_channels", channels_of_picture_}, {"channels", channels_},  {"scale", scale_}, {"res_scale", res_scale_},
      {"value_range", value_range_},         {"img_range", img_range_}};
  if (mean_ != default_mean(channels_of_picture_)) config["mean"] = mean_;
  if (unshuffle_ > 1) config["unshuffle"] = unshuffle_;
  return config;
}

namespace {

/// Mean and range that the authors' 1x1 convolutions around the network hold: weight identity, bias -range * mean.
void read_mean_shift(const StateDict& weights, std::int64_t channels, nlohmann::json& config) {
  const Tensor* scale = weights.find("sub_mean.weight");
  const Tensor* shift = weights.find("sub_mean.bias");
  const Tensor* back = weights.find("add_mean.bias");
  if (!scale && !shift && !back) {
    // Nothing says more than 0 .. 1: traiNNer-redux trains so, and without a mean.
    config["value_range"] = config["img_range"] = 1.0;
    config["mean"] = std::vector<double>(static_cast<std::size_t>(channels), 0.0);
    if (channels != 3) config.erase("mean");
    return;
  }
  const bool fits = scale && shift && back && scale->numel() == channels * channels && shift->numel() == channels &&
                    back->numel() == channels;
  if (!fits) fail(ErrorKind::model, "its sub_mean and add_mean don't fit {} channels", channels);
  const Tensor bias = shift->to(torch::kDouble).reshape({-1});
  const Tensor identity = torch::eye(channels, torch::kDouble);
  if (!torch::allclose(scale->to(torch::kDouble).reshape({channels, channels}), identity, 1e-3, 1e-3) ||
      !torch::allclose(back->to(torch::kDouble).reshape({-1}), -bias, 1e-3, 1e-3))
    fail(ErrorKind::model, "its sub_mean and add_mean are not a plain shift there and back");
  // A mean colour lies within the range, in practice near its middle; all zeros say nothing.
  const double largest = bias.abs().max().item<double>();
  const double range = largest > 0 && largest <= 1 ? 1.0 : 255.0;
  config["value_range"] = config["img_range"] = range;
  std::vector<double> mean;
  double difference = 0;
  for (std::int64_t i = 0; i < channels; ++i) {
    mean.push_back(-bias[i].item<double>() / range);
    difference = std::max(difference, std::abs(mean.back() - default_mean(channels)[static_cast<std::size_t>(i)]));
  }
  // Rounding to fp16 is no other mean.
  if (difference > 3e-4) config["mean"] = mean;
}

}  // namespace

std::optional<EdsrKeys> read_edsr_frame(
    const StateDict& weights, const std::function<std::string(const std::vector<std::string>& parts)>& body_name) {
  EdsrKeys found;
  if (weights.contains("conv_first.weight") && weights.contains("conv_after_body.weight") &&
      only_prefixes(weights, {"conv_first.", "body.", "conv_after_body.", "upsample.", "conv_last."})) {
    found.own = weights;
    found.config = {{"value_range", 1.0}, {"img_range", 255.0}};
  } else if ((weights.contains("head.0.weight") || weights.contains("head.1.weight")) &&
             weights.contains("tail.1.weight") &&
             only_prefixes(weights, {"head.0.", "head.1.", "body.", "tail.", "sub_mean.", "add_mean."})) {
    found.official = true;
    found.config = {{"value_range", 255.0}, {"img_range", 255.0}};
    const std::string after_body = fmt::format("body.{}.", count_layers(weights, "body.", ".body.0.weight") +
                                                               count_layers(weights, "body.", ".body.0.body.0.weight"));
    const auto replaced = [](const std::string& key, const std::string& prefix, const char* own) {
      return own + key.substr(prefix.size());
    };
    StateDict layers = weights;
    for (const char* key : {"sub_mean.weight", "sub_mean.bias", "add_mean.weight", "add_mean.bias"}) layers.erase(key);
    found.own = renamed(layers, [&](const std::string& key) {
      const std::vector<std::string> parts = key_parts(key);
      if (key.starts_with("head.0.")) return replaced(key, "head.0.", "conv_first.");
      if (key.starts_with("head.1.")) return replaced(key, "head.1.", "conv_first.");  // after a pixel unshuffle
      if (key.starts_with("tail.0.")) return replaced(key, "tail.0.", "upsample.");
      if (key.starts_with("tail.1.")) return replaced(key, "tail.1.", "conv_last.");
      if (key.starts_with(after_body) && parts.size() == 3) return replaced(key, after_body, "conv_after_body.");
      return key.starts_with("body.") ? body_name(parts) : key;
    });
  } else {
    return std::nullopt;
  }
  const Tensor& first = conv_weight(found.own, "conv_first");
  const std::int64_t in = first.size(1), out = conv_weight(found.own, "conv_last").size(0);
  const int enlargement = upsampler_scale(found.own, "upsample.", first.size(0));
  const auto unshuffle = out > 0 && in % out == 0 ? whole_root(in / out) : std::nullopt;
  if (!unshuffle || *unshuffle < 1) fail(ErrorKind::model, "it takes {} channels and gives {}", in, out);
  if (enlargement % *unshuffle != 0)
    fail(ErrorKind::model, "an enlargement of {} after an input reduced {} times has no whole scale", enlargement,
         *unshuffle);
  found.config["in_channels"] = out;
  found.config["channels"] = first.size(0);
  found.config["scale"] = enlargement / *unshuffle;
  if (*unshuffle > 1) found.config["unshuffle"] = *unshuffle;
  if (found.official && out <= 64) read_mean_shift(weights, out, found.config);
  return found;
}

}  // namespace ganvas
