// DCGAN's discriminator (Radford et al. 2016; layout of pytorch/examples), without its sigmoid, which is the loss's
// business. With a norm of instances or none it is the critic of WGAN-GP (Gulrajani et al. 2017).
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/norm.hpp"
#include "nn/spectral.hpp"

namespace ganvas::dcgan_discriminator_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

class DcganDiscriminator final : public Discriminator {
 public:
  explicit DcganDiscriminator(const nlohmann::json& config)
      : channels_(positive(config, "channels", 3)),
        classes_(whole(config, "classes", 0)),
        stddev_(whole(config, "minibatch_stddev", 0)),
        spectral_(truth(config, "spectral", false)),
        norm_(word(config, "norm", "batch")),
        widths_(numbers(config, "widths", {64, 128, 256, 512})) {
    check_keys(config, {"channels", "classes", "minibatch_stddev", "spectral", "norm", "widths"});
    if (widths_.size() > 9) fail(ErrorKind::recipe, "dcgan: discriminator.widths: at most 9 levels");
    const auto conv = [&](int in, int out, int stride, int padding) {
      WeightBudget::spend(16 * static_cast<std::int64_t>(in) * out);
      main_->push_back(SpectralConv2d(LayerOptions{.in = in,
                                                   .out = out,
                                                   .kernel = 4,
                                                   .stride = stride,
                                                   .padding = padding,
                                                   .bias = false,
                                                   .spectral = spectral_}));
    };
    int in = channels_;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      conv(in, widths_[i], 2, 1);
      if (i > 0) push_norm(main_, norm_, widths_[i]);
      main_->push_back(nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)));
      in = widths_[i];
    }
    conv(in + (stddev_ > 0), 1, 1, 0);
    register_module("main", main_);
    if (classes_ > 0) embed_ = register_module("embed", nn::Linear(nn::LinearOptions(classes_, in).bias(false)));
  }

  int classes() const override { return classes_; }
  Tensor forward(const Tensor& pictures) override { return given(pictures, mean_class(pictures)); }
  Tensor given(const Tensor& pictures, const Tensor& classes) override {
    const Tensor x = body(pictures);
    if (classes_ == 0) return last(x);
    return last(x) + (x.to(torch::kFloat).sum({2, 3}) * embed_->forward(classes)).sum(1);
  }
  std::vector<Tensor> features(const Tensor& pictures) override {
    std::vector<Tensor> found = patch_features(main_, pictures, stddev_);
    found.back() = found.back().flatten(1).mean(1);  // one logit a picture
    return found;
  }
  std::string architecture() const override { return "dcgan"; }
  nlohmann::json config() const override {
    return {{"channels", channels_}, {"classes", classes_}, {"minibatch_stddev", stddev_},
            {"spectral", spectral_}, {"norm", norm_},       {"widths", widths_}};
  }

 private:
  /// N x last width x 4 x 4.
  Tensor body(const Tensor& pictures) {
    Tensor x = pictures;
    for (auto layer = main_->begin(); layer != main_->end() - 1; ++layer) x = layer->forward(x);
    return x;
  }
  Tensor last(const Tensor& x) {
    return (main_->end() - 1)->forward(append_minibatch_stddev(x, stddev_)).flatten(1).mean(1);
  }

  int channels_, classes_, stddev_;
  bool spectral_;
  std::string norm_;
  std::vector<int> widths_;
  nn::Sequential main_;
  nn::Linear embed_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  const Tensor* first = weights.find("main.0.weight");
  if (!first || first->dim() != 4 || first->size(2) != 4 || !weights.contains("main.3.running_mean"))
    return std::nullopt;
  std::vector<int> widths{static_cast<int>(first->size(0))};
  for (int layer = 2; weights.contains(fmt::format("main.{}.running_mean", layer + 1)); layer += 3)
    widths.push_back(static_cast<int>(conv_weight(weights, fmt::format("main.{}", layer)).size(0)));
  return Detected{{{"channels", first->size(1)}, {"widths", widths}}, weights, "pytorch/examples"};
}

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "dcgan",
          .summary = "DCGAN's discriminator, without norms the critic of WGAN-GP (Radford et al. 2016)",
          .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
            auto network = std::make_shared<DcganDiscriminator>(config);
            const auto levels = network->config().at("widths").size();
            if (size < (4 << levels))
              fail(ErrorKind::recipe, "discriminator: pictures of {} are too small for {} widths, which halve {} times",
                   size, levels, levels);
            return network;
          },
          .detect = detect,
          .example_size = 16,
          .examples = {{{"widths", {4, 6}}},
                       {{"widths", {4, 6}}, {"norm", "instance"}, {"classes", 3}, {"channels", 1}},
                       {{"widths", {4, 6}}, {"norm", "none"}, {"spectral", true}, {"minibatch_stddev", 4}}}};
}

}  // namespace ganvas::dcgan_discriminator_plugin
