// SRVGGNetCompact of Real-ESRGAN (Wang et al. 2021): a plain stack of 3x3 convolutions at low resolution, each with an
// activation, then pixel shuffle; the nearest-neighbour enlargement of the input is added.
#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/mixed.hpp"

namespace ganvas::compact_plugin {

namespace {

namespace nn = torch::nn;

class Compact final : public Generator {
 public:
  explicit Compact(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        channels_(positive(config, "channels", 64)),
        convs_(positive(config, "convs", 16)),
        scale_(positive(config, "scale", 4)) {
    check_keys(config, {"in_channels", "out_channels", "channels", "convs", "scale", "slope"});
    if (config.contains("slope")) slope_ = real(config, "slope", 0.1);
    if (out_ != in_ && scale_ > 1 && in_ != 1 && out_ != 1)
      fail(ErrorKind::recipe, "compact: {} input and {} output channels can't be added", in_, out_);
    const auto conv = [this](int in, int out) {
      convolutions_.push_back(make_conv(in, out));
      body_->push_back(convolutions_.back());
    };
    conv(in_, channels_);
    for (int i = 0; i <= convs_; ++i) {
      activations_.emplace_back(nn::PReLUOptions().num_parameters(channels_));
      body_->push_back(activations_.back());
      conv(channels_, i < convs_ ? channels_ : out_ * scale_ * scale_);
    }
    register_module("body", body_);
    if (slope_) fix_slopes();
  }

  torch::Tensor forward(const torch::Tensor& input) override {
    torch::Tensor x = input_conv(convolutions_[0], input);
    for (std::size_t i = 0; i < activations_.size(); ++i) {
      if (i > 0) x = convolutions_[i]->forward(x);
      const double slope = i < slopes_.size() ? slopes_[i] : NAN;
      // One slope for all channels is a leaky ReLU: in place, and much faster than a PReLU.
      x = std::isnan(slope) ? activations_[i]->forward(x) : torch::leaky_relu_(x, slope);
    }
    x = output_conv(convolutions_.back(), x);
    if (scale_ == 1) return x + input;
    const std::vector<double> factor{static_cast<double>(scale_), static_cast<double>(scale_)};
    const torch::Tensor base = torch::upsample_nearest2d(input, c10::nullopt, factor);
    return torch::pixel_shuffle(x, scale_) + base;
  }

  GeneratorInfo info() const override {
    return {
        .scale = scale_, .in_channels = in_, .out_channels = out_, .halo = convs_ + 2, .live_values = 2 * channels_};
  }
  std::string architecture() const override { return "compact"; }
  nlohmann::json config() const override {
    nlohmann::json config{
        {"in_channels", in_}, {"out_channels", out_}, {"channels", channels_}, {"convs", convs_}, {"scale", scale_}};
    if (slope_) config["slope"] = *slope_;
    return config;
  }

  void weights_changed() override {
    slopes_.clear();
    for (const auto& activation : activations_) {
      const torch::Tensor slope = activation->weight.detach().to(torch::kFloat);
      const bool constant = slope.min().item<float>() == slope.max().item<float>();
      slopes_.push_back(constant ? slope[0].item<double>() : NAN);
    }
  }
  void soften_pixel_shuffles() override { repeat_for_pixel_shuffle(convolutions_.back()->weight, scale_); }

 private:
  /// One constant slope for all layers. It stays in the state dict as PReLU vectors, so that every other reader of
  /// this layout computes the same; trained it is not.
  void fix_slopes() {
    const torch::NoGradGuard no_grad;
    for (auto& activation : activations_) {
      activation->weight.fill_(*slope_);
      activation->weight.set_requires_grad(false);
    }
    slopes_.assign(activations_.size(), *slope_);
  }

  int in_, out_, channels_, convs_, scale_;
  nn::Sequential body_;
  std::vector<nn::Conv2d> convolutions_;  ///< of body_, in order
  std::vector<nn::PReLU> activations_;
  std::optional<double> slope_;  ///< fixed by the config
  std::vector<double> slopes_;   ///< a layer's single slope, NaN where the channels differ; empty: trained
};

std::optional<Detected> detect(const StateDict& weights) {
  const torch::Tensor* first = weights.find("body.0.weight");
  const torch::Tensor* slope = weights.find("body.1.weight");
  if (!first || !slope || first->dim() != 4 || slope->dim() != 1 || weights.contains("body.1.bias"))
    return std::nullopt;
  int last = 1;
  while (weights.contains(fmt::format("body.{}.weight", last + 1))) ++last;
  if (last < 4 || last % 2 != 0) fail(ErrorKind::model, "its layers don't alternate (last is body.{})", last);
  const auto in = static_cast<int>(first->size(1));
  const auto outputs = static_cast<int>(conv_weight(weights, fmt::format("body.{}", last)).size(0));
  // outputs = out_channels * scale^2; which split it is must be guessed: as many out as in, else the usual counts.
  for (const int out : {in, 3, 4, 1}) {
    const int scale = static_cast<int>(std::lround(std::sqrt(static_cast<double>(outputs) / out)));
    if (scale < 1 || scale * scale * out != outputs) continue;
    return Detected{{{"in_channels", in},
                     {"out_channels", out},
                     {"channels", first->size(0)},
                     {"convs", (last - 2) / 2},
                     {"scale", scale}},
                    weights,
                    "Real-ESRGAN"};
  }
  fail(ErrorKind::model, "no scale gives {} output planes", outputs);
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "compact",
          .summary = "SRVGGNetCompact: plain 3x3 convolutions, fast (Real-ESRGAN, Wang et al. 2021)",
          .order = 10,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Compact>(config); },
          .examples = {{{"channels", 8}, {"convs", 2}, {"scale", 4}},
                       {{"channels", 8}, {"convs", 3}, {"scale", 2}, {"in_channels", 1}},
                       {{"channels", 8}, {"convs", 1}, {"scale", 1}}}};
}

}  // namespace ganvas::compact_plugin
