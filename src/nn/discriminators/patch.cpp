// The 70x70 PatchGAN of pix2pix (Isola et al. 2017, section 3.2.2) with any number of layers.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/legacy_norm.hpp"
#include "nn/norm.hpp"
#include "nn/spectral.hpp"

namespace ganvas::patch_plugin {

namespace {

namespace nn = torch::nn;

class Patch final : public Discriminator {
 public:
  explicit Patch(const nlohmann::json& config)
      : channels_(positive(config, "channels", 3)),
        width_(positive(config, "width", 64)),
        layers_(positive(config, "layers", 3)),
        stddev_(whole(config, "minibatch_stddev", 0)),
        spectral_(truth(config, "spectral", false)),
        norm_(word(config, "norm", "batch")) {
    check_keys(config, {"channels", "width", "layers", "norm", "spectral", "minibatch_stddev"});
    const bool bias = norm_ != "batch";  // a batch norm brings a shift of its own
    nn::Sequential body;
    const auto conv = [&](int in, int out, int stride, bool with_bias) {
      body->push_back(SpectralConv2d(
          LayerOptions{.in = in, .out = out, .kernel = 4, .stride = stride, .bias = with_bias, .spectral = spectral_}));
    };
    const auto slope = [&] { body->push_back(nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2))); };
    conv(channels_, width_, 2, true);
    slope();
    int features = width_;
    for (int i = 1; i <= layers_; ++i) {
      const int wider = width_ * std::min(1 << i, 8);
      conv(features, wider, i < layers_ ? 2 : 1, bias);
      push_norm(body, norm_, wider);
      slope();
      features = wider;
    }
    conv(features + (stddev_ > 0), 1, 1, true);
    body_ = register_module("model", body);
  }

  torch::Tensor forward(const torch::Tensor& pictures) override { return features(pictures).back(); }
  std::vector<torch::Tensor> features(const torch::Tensor& pictures) override {
    return patch_features(body_, pictures, stddev_);
  }
  std::string architecture() const override { return "patch"; }
  nlohmann::json config() const override {
    return {{"channels", channels_}, {"width", width_},       {"layers", layers_},
            {"norm", norm_},         {"spectral", spectral_}, {"minibatch_stddev", stddev_}};
  }

 private:
  int channels_, width_, layers_, stddev_;
  bool spectral_;
  std::string norm_;
  nn::Sequential body_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("model.0.weight") || !weights.contains("model.2.weight") || !weights.contains("model.5.weight"))
    return std::nullopt;
  int layers = 0;
  while (weights.contains(fmt::format("model.{}.weight", 2 + 3 * (layers + 1)))) ++layers;
  const torch::Tensor& first = conv_weight(weights, "model.0");
  const bool batch = weights.contains("model.3.weight");
  const bool instance = !batch && weights.contains("model.2.bias");
  return Detected{{{"channels", first.size(1)},
                   {"width", first.size(0)},
                   {"layers", layers},
                   {"norm", batch      ? "batch"
                            : instance ? "instance"
                                       : "none"}},
                  instance ? without_legacy_statistics(weights) : weights,
                  "pix2pix"};
}

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "patch",
          .summary = "PatchGAN: one logit a patch (Isola et al. 2017)",
          .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
            auto network = std::make_shared<Patch>(config);
            // Each layer of stride 2 halves, the last two take one pixel each.
            const int layers = network->config().at("layers");
            if (size < (3 << layers))
              fail(ErrorKind::recipe, "discriminator: pictures of {} are too small for {} layers; lower layers", size,
                   layers);
            return network;
          },
          .detect = detect,
          .examples = {{{"width", 4}, {"layers", 2}},
                       {{"width", 4}, {"layers", 1}, {"norm", "instance"}, {"minibatch_stddev", 2}},
                       {{"width", 4}, {"layers", 2}, {"norm", "none"}, {"spectral", true}, {"channels", 1}}}};
}

}  // namespace ganvas::patch_plugin
