// The discriminator of SRGAN (Ledig et al. 2017, figure 4) and ESRGAN: pairs of 3x3 and strided 4x4 convolutions down
// to 4x4 pixels, then two linear layers. Keys as BasicSR's VGGStyleDiscriminator.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/norm.hpp"
#include "nn/spectral.hpp"

namespace ganvas::vgg_style_plugin {

namespace {

namespace nn = torch::nn;

class VggStyle final : public Discriminator {
 public:
  VggStyle(const nlohmann::json& config, int size)
      : channels_(positive(config, "channels", 3)),
        width_(positive(config, "width", 64)),
        size_(size),
        stddev_(whole(config, "minibatch_stddev", 0)),
        spectral_(truth(config, "spectral", false)),
        norm_(word(config, "norm", "batch")) {
    check_keys(config, {"channels", "width", "norm", "spectral", "minibatch_stddev"});
    if (size < 8 || (size & (size - 1)) != 0)
      fail(ErrorKind::recipe,
           "discriminator: vgg-style needs pictures of 8, 16, 32, 64 ... pixels, not {}; change data.crop", size);
    int features = channels_;
    for (int stage = 0; size >> stage > 4; ++stage) {
      const int wider = width_ * std::min(1 << stage, 8);
      layer(stage, 0, features, wider);
      layer(stage, 1, wider, wider);
      features = wider;
    }
    linear1_ = register_module("linear1", SpectralLinear((features + (stddev_ > 0)) * 16, 100, spectral_));
    linear2_ = register_module("linear2", SpectralLinear(100, 1, spectral_));
  }

  torch::Tensor forward(const torch::Tensor& pictures) override { return features(pictures).back(); }
  std::vector<torch::Tensor> features(const torch::Tensor& pictures) override {
    if (pictures.size(2) != size_ || pictures.size(3) != size_)
      fail(ErrorKind::internal, "a vgg-style discriminator of {0}x{0} got {1}x{2}", size_, pictures.size(2),
           pictures.size(3));
    std::vector<torch::Tensor> found;
    torch::Tensor x = pictures;
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      x = convs_[i]->forward(x);
      if (!norms_[i]->is_empty()) x = norms_[i]->forward(x);
      found.push_back(x = leaky_relu_of(x, 0.2));
    }
    x = append_minibatch_stddev(x, stddev_).contiguous().flatten(1);
    found.push_back(linear2_->forward(leaky_relu_of(linear1_->forward(x), 0.2)));
    return found;
  }
  std::string architecture() const override { return "vgg-style"; }
  nlohmann::json config() const override {
    return {{"channels", channels_},
            {"width", width_},
            {"norm", norm_},
            {"spectral", spectral_},
            {"minibatch_stddev", stddev_}};
  }

 private:
  /// The first layer has a bias and no norm; of each pair the second halves the picture.
  void layer(int stage, int second, int in, int out) {
    const bool first = stage == 0 && second == 0;
    const std::string name = fmt::format("{}_{}", stage, second);
    convs_.push_back(register_module("conv" + name, SpectralConv2d(LayerOptions{.in = in,
                                                                                .out = out,
                                                                                .kernel = second ? 4 : 3,
                                                                                .stride = second ? 2 : 1,
                                                                                .bias = first || norm_ != "batch",
                                                                                .spectral = spectral_})));
    nn::Sequential norm;
    if (!first) push_norm(norm, norm_, out);
    // Registered under the norm's own name, so that keys have no further level.
    if (!norm->is_empty()) register_module("bn" + name, norm->ptr(0));
    norms_.push_back(norm);
  }

  int channels_, width_, size_, stddev_;
  bool spectral_;
  std::string norm_;
  std::vector<SpectralConv2d> convs_;
  std::vector<nn::Sequential> norms_;
  SpectralLinear linear1_{nullptr}, linear2_{nullptr};
};

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "vgg-style",
          .summary = "VGG-style: one logit a picture (SRGAN, Ledig et al. 2017)",
          .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
            return std::make_shared<VggStyle>(config, size);
          },
          .example_size = 16,
          .examples = {{{"width", 4}},
                       {{"width", 4}, {"norm", "none"}, {"spectral", true}},
                       {{"width", 4}, {"norm", "instance"}, {"minibatch_stddev", 4}, {"channels", 1}}}};
}

}  // namespace ganvas::vgg_style_plugin
