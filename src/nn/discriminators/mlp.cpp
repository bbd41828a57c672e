// Linear layers over all values of a small input: for points in the plane and for tiny pictures.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/spectral.hpp"

namespace ganvas::mlp_plugin {

namespace {

class Mlp final : public Discriminator {
 public:
  Mlp(const nlohmann::json& config, int size)
      : channels_(positive(config, "channels", 2)),
        width_(positive(config, "width", 64)),
        layers_(positive(config, "layers", 2)),
        stddev_(whole(config, "minibatch_stddev", 0)),
        spectral_(truth(config, "spectral", false)) {
    check_keys(config, {"channels", "width", "layers", "spectral", "minibatch_stddev"});
    int features = channels_ * size * size;
    for (int i = 0; i < layers_; ++i) {
      linears_.push_back(register_module(fmt::format("linear{}", i), SpectralLinear(features, width_, spectral_)));
      features = width_;
    }
    last_ = register_module("last", SpectralLinear(features + (stddev_ > 0), 1, spectral_));
  }

  torch::Tensor forward(const torch::Tensor& pictures) override { return features(pictures).back(); }
  std::vector<torch::Tensor> features(const torch::Tensor& pictures) override {
    std::vector<torch::Tensor> found;
    torch::Tensor x = pictures.contiguous().flatten(1);
    for (auto& linear : linears_) found.push_back(x = leaky_relu_of(linear->forward(x), 0.2));
    found.push_back(last_->forward(append_minibatch_stddev(x, stddev_)));
    return found;
  }
  std::string architecture() const override { return "mlp"; }
  nlohmann::json config() const override {
    return {{"channels", channels_},
            {"width", width_},
            {"layers", layers_},
            {"spectral", spectral_},
            {"minibatch_stddev", stddev_}};
  }

 private:
  int channels_, width_, layers_, stddev_;
  bool spectral_;
  std::vector<SpectralLinear> linears_;
  SpectralLinear last_{nullptr};
};

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "mlp",
          .summary = "linear layers: for points and tiny pictures",
          .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
            return std::make_shared<Mlp>(config, size);
          },
          .example_size = 4,
          .examples = {{{"width", 8}}, {{"width", 8}, {"spectral", true}, {"layers", 1}, {"minibatch_stddev", 2}}}};
}

}  // namespace ganvas::mlp_plugin
