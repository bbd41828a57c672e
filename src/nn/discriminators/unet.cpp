// The U-Net discriminator with spectral norm of Real-ESRGAN (Wang et al. 2021, section 3.2): one logit a pixel. Keys as
// BasicSR's UNetDiscriminatorSN.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/spectral.hpp"

namespace ganvas::unet_plugin {

namespace {

torch::Tensor twice_as_large(const torch::Tensor& x) {
  const std::vector<double> factor{2.0, 2.0};
  return torch::upsample_bilinear2d(x, c10::nullopt, /*align_corners=*/false, factor);
}

class UNet final : public Discriminator {
 public:
  explicit UNet(const nlohmann::json& config)
      : channels_(positive(config, "channels", 3)),
        width_(positive(config, "width", 64)),
        stddev_(whole(config, "minibatch_stddev", 0)),
        spectral_(truth(config, "spectral", true)) {
    check_keys(config, {"channels", "width", "spectral", "minibatch_stddev"});
    const int w = width_;
    // The ends are plain convolutions with a bias; between them neither.
    conv(channels_, w, 3, 1, true);
    conv(w, 2 * w, 4, 2);
    conv(2 * w, 4 * w, 4, 2);
    conv(4 * w, 8 * w, 4, 2);
    conv(8 * w, 4 * w, 3, 1);
    conv(4 * w, 2 * w, 3, 1);
    conv(2 * w, w, 3, 1);
    conv(w, w, 3, 1);
    conv(w, w, 3, 1);
    conv(w + (stddev_ > 0), 1, 3, 1, true);
  }

  torch::Tensor forward(const torch::Tensor& pictures) override { return features(pictures).back(); }
  std::vector<torch::Tensor> features(const torch::Tensor& pictures) override {
    const auto layer = [this](int i, const torch::Tensor& x) { return leaky_relu_of(convs_[i]->forward(x), 0.2); };
    const torch::Tensor x0 = layer(0, pictures), x1 = layer(1, x0), x2 = layer(2, x1), x3 = layer(3, x2);
    const torch::Tensor x4 = layer(4, twice_as_large(x3)) + x2;
    const torch::Tensor x5 = layer(5, twice_as_large(x4)) + x1;
    const torch::Tensor x6 = layer(6, twice_as_large(x5)) + x0;
    const torch::Tensor x7 = layer(7, x6), x8 = layer(8, x7);
    return {x0, x1, x2, x3, x4, x5, x6, x7, x8, convs_[9]->forward(append_minibatch_stddev(x8, stddev_))};
  }
  std::string architecture() const override { return "unet"; }
  nlohmann::json config() const override {
    return {{"channels", channels_}, {"width", width_}, {"spectral", spectral_}, {"minibatch_stddev", stddev_}};
  }

 private:
  void conv(int in, int out, int kernel, int stride, bool plain = false) {
    convs_.push_back(register_module(fmt::format("conv{}", convs_.size()),
                                     SpectralConv2d(LayerOptions{.in = in,
                                                                 .out = out,
                                                                 .kernel = kernel,
                                                                 .stride = stride,
                                                                 .bias = plain,
                                                                 .spectral = spectral_ && !plain})));
  }

  int channels_, width_, stddev_;
  bool spectral_;
  std::vector<SpectralConv2d> convs_;
};

std::optional<Detected> detect(const StateDict& weights) {
  const bool spectral = weights.contains("conv1.weight_orig");
  if (!weights.contains("conv0.weight") || !weights.contains("conv9.weight") ||
      !(spectral || weights.contains("conv1.weight")))
    return std::nullopt;
  const torch::Tensor& first = conv_weight(weights, "conv0");
  return Detected{
      {{"channels", first.size(1)}, {"width", first.size(0)}, {"spectral", spectral}}, weights, "Real-ESRGAN"};
}

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "unet",
          .summary = "U-Net with spectral norm: one logit a pixel (Real-ESRGAN, Wang et al. 2021)",
          .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
            if (size < 8 || size % 8 != 0)
              fail(ErrorKind::recipe,
                   "discriminator: unet needs pictures of a multiple of 8 pixels, not {}; change data.crop", size);
            return std::make_shared<UNet>(config);
          },
          .detect = detect,
          .example_size = 16,
          .examples = {{{"width", 4}}, {{"width", 4}, {"spectral", false}, {"minibatch_stddev", 2}, {"channels", 2}}}};
}

}  // namespace ganvas::unet_plugin
