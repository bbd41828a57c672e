// pix2pix's PixelGAN (Isola et al. 2017, section 6.1.2): judges each pixel by itself, so colours but no structure.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/legacy_norm.hpp"
#include "nn/norm.hpp"
#include "nn/spectral.hpp"

namespace ganvas::pixel_plugin {

namespace {

namespace nn = torch::nn;

class Pixel final : public Discriminator {
 public:
  explicit Pixel(const nlohmann::json& config)
      : channels_(positive(config, "channels", 3)),
        width_(positive(config, "width", 64)),
        stddev_(whole(config, "minibatch_stddev", 0)),
        spectral_(truth(config, "spectral", false)),
        norm_(word(config, "norm", "batch")) {
    check_keys(config, {"channels", "width", "norm", "spectral", "minibatch_stddev"});
    const bool bias = norm_ != "batch";  // a batch norm brings a shift of its own
    nn::Sequential body;
    const auto conv = [&](int in, int out, bool with_bias) {
      body->push_back(SpectralConv2d(LayerOptions{
          .in = in, .out = out, .kernel = 1, .stride = 1, .padding = 0, .bias = with_bias, .spectral = spectral_}));
    };
    const auto slope = [&] { body->push_back(nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2))); };
    conv(channels_, width_, true);
    slope();
    conv(width_, 2 * width_, bias);
    push_norm(body, norm_, 2 * width_);
    slope();
    conv(2 * width_ + (stddev_ > 0), 1, bias);
    body_ = register_module("net", body);
  }

  torch::Tensor forward(const torch::Tensor& pictures) override { return features(pictures).back(); }
  std::vector<torch::Tensor> features(const torch::Tensor& pictures) override {
    return patch_features(body_, pictures, stddev_);
  }
  std::string architecture() const override { return "pixel"; }
  nlohmann::json config() const override {
    return {{"channels", channels_},
            {"width", width_},
            {"norm", norm_},
            {"spectral", spectral_},
            {"minibatch_stddev", stddev_}};
  }

 private:
  int channels_, width_, stddev_;
  bool spectral_;
  std::string norm_;
  nn::Sequential body_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("net.0.weight") || !weights.contains("net.5.weight")) return std::nullopt;
  const torch::Tensor& first = conv_weight(weights, "net.0");
  const bool batch = weights.contains("net.3.weight");
  return Detected{{{"channels", first.size(1)}, {"width", first.size(0)}, {"norm", batch ? "batch" : "instance"}},
                  batch ? weights : without_legacy_statistics(weights),
                  "pix2pix"};
}

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "pixel",
          .summary = "PixelGAN: one logit a pixel, from this pixel alone (Isola et al. 2017)",
          .make = [](const nlohmann::json& config, int) -> DiscriminatorPtr { return std::make_shared<Pixel>(config); },
          .detect = detect,
          .example_size = 8,
          .examples = {{{"width", 4}}, {{"width", 4}, {"norm", "instance"}, {"spectral", true}, {"channels", 2}}}};
}

}  // namespace ganvas::pixel_plugin
