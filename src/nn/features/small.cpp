// The feature network that ships with ganvas: plain 3x3 convolutions with SqueezeNet 1.1's sizes of layers, trained to
// give what SqueezeNet's seven LPIPS layers give (task "distill"). Where SqueezeNet expands to many channels and
// squeezes them again, here a narrow trunk goes on and each tap is a 1x1 convolution beside it. Layers: conv1, relu1 (=
// tap1), pool1, conv2, relu2, conv3, relu3, tap2, pool3, ... tap7.
#include <torch/torch.h>

#include <array>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/feature_blocks.hpp"

namespace ganvas {

namespace {

namespace nn = torch::nn;

/// SqueezeNet's channels at the places that LPIPS compares.
constexpr std::array<int, 7> tap_channels{64, 128, 256, 384, 384, 512, 512};
/// Convolutions 2 to 9 of the trunk: which of the three widths they have, which tap stands behind them (0: none), and
/// whether a pool stands before them.
struct TrunkPlace {
  int width, tap;
  bool pool;
};
constexpr std::array<TrunkPlace, 8> trunk{{{0, 0, true},
                                           {0, 2, false},
                                           {1, 0, true},
                                           {1, 3, false},
                                           {2, 4, true},
                                           {2, 5, false},
                                           {2, 6, false},
                                           {2, 7, false}}};

class SmallFeatures final : public FeatureNetwork {
 public:
  explicit SmallFeatures(const nlohmann::json& config)
      : widths_{positive(config, "width2", 48), positive(config, "width3", 80), positive(config, "width4", 128)},
        norm_(input_norm(config)) {
    check_keys(config, {"width2", "width3", "width4", "input"});
    WeightBudget::spend(tap_channels[0] * 27);
    nn::Conv2d first = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(3, tap_channels[0], 3).stride(2)));
    add_layer(
        {"conv1", tap_channels[0], [first](const torch::Tensor& x, bool) mutable { return first_conv(first, x); }, 3});
    add_layer({"relu1", tap_channels[0], relu_step});
    add_alias("tap1", "relu1");
    int channels = tap_channels[0];
    for (std::size_t i = 0; i < trunk.size(); ++i) channels = add_conv(static_cast<int>(i) + 2, trunk[i], channels);
  }

  std::string architecture() const override { return "small-features"; }
  nlohmann::json config() const override {
    return {{"width2", widths_[0]}, {"width3", widths_[1]}, {"width4", widths_[2]}, {"input", input_norm_name(norm_)}};
  }
  std::vector<std::string> lpips_layers() const override {
    return {"tap1", "tap2", "tap3", "tap4", "tap5", "tap6", "tap7"};
  }

 protected:
  torch::Tensor normalised(const torch::Tensor& images) const override { return normalise_input(images, norm_); }

 private:
  int add_conv(int number, const TrunkPlace& at, int in) {
    if (at.pool)
      add_layer({fmt::format("pool{}", number - 1), in, [](const torch::Tensor& x, bool) { return pool_ceil(x); }, 2});
    const int out = widths_[static_cast<std::size_t>(at.width)];
    nn::Conv2d conv = register_module(fmt::format("conv{}", number), make_conv(in, out));
    add_layer({fmt::format("conv{}", number), out,
               [conv](const torch::Tensor& x, bool) mutable { return conv->forward(x); }});
    add_layer({fmt::format("relu{}", number), out, relu_step});
    if (at.tap == 0) return out;
    const std::string name = fmt::format("tap{}", at.tap);
    const int wide = tap_channels[static_cast<std::size_t>(at.tap - 1)];
    nn::Conv2d expand = register_module(name, make_conv(out, wide, 1));
    FeatureLayer tap{name, wide,
                     [expand](const torch::Tensor& x, bool) mutable { return relu_of(expand->forward(x)); }};
    tap.branch = true;
    add_layer(std::move(tap));
    return out;
  }

  std::array<int, 3> widths_;
  InputNorm norm_;
};

std::optional<Detected> detect(const StateDict& weights) {
  for (const char* key :
       {"conv1.weight", "conv2.weight", "conv4.weight", "conv6.weight", "conv9.weight", "tap7.weight"})
    if (!weights.contains(key)) return std::nullopt;
  return Detected{{{"width2", conv_weight(weights, "conv2").size(0)},
                   {"width3", conv_weight(weights, "conv4").size(0)},
                   {"width4", conv_weight(weights, "conv6").size(0)}},
                  weights,
                  "ganvas"};
}

}  // namespace

FeaturePlugin small_plugin() {
  return {.name = "small-features",
          .summary = "plain convolutions trained after SqueezeNet's LPIPS layers; shipped as 'features'",
          .order = 30,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<SmallFeatures>(config); },
          .examples = {{{"width2", 8}, {"width3", 12}, {"width4", 16}}}};
}

}  // namespace ganvas
