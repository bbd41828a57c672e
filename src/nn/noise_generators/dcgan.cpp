// DCGAN's generator (Radford et al. 2016; layout of pytorch/examples): transposed convolutions with batch norms.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/transposed_conv.hpp"

namespace ganvas::dcgan_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

class Dcgan final : public NoiseGenerator {
 public:
  explicit Dcgan(const nlohmann::json& config)
      : noise_(positive(config, "noise", 100)),
        classes_(whole(config, "classes", 0)),
        channels_(positive(config, "channels", 3)),
        widths_(numbers(config, "widths", {512, 256, 128, 64})) {
    check_keys(config, {"noise", "classes", "channels", "widths"});
    if (widths_.size() > 9) fail(ErrorKind::recipe, "dcgan: widths: at most 9 levels");
    int in = noise_ + classes_;
    for (std::size_t i = 0; i <= widths_.size(); ++i) {
      const bool last = i == widths_.size();
      const int out = last ? channels_ : widths_[i];
      WeightBudget::spend(16 * static_cast<std::int64_t>(in) * out);
      main_->push_back(TransposedConv(
          nn::ConvTranspose2dOptions(in, out, 4).stride(i == 0 ? 1 : 2).padding(i == 0 ? 0 : 1).bias(false)));
      if (last) main_->push_back(nn::Tanh());
      else {
        main_->push_back(nn::BatchNorm2d(out));
        main_->push_back(nn::ReLU(nn::ReLUOptions(true)));
      }
      in = out;
    }
    register_module("main", main_);
    // Section 3 of the paper: weights N(0, 0.02), scales of the norms N(1, 0.02).
    const torch::NoGradGuard no_grad;
    for (auto& parameter : named_parameters()) {
      Tensor weight = parameter.value();
      if (weight.dim() == 4) weight.normal_(0, 0.02);
      else if (parameter.key().ends_with("weight")) weight.normal_(1, 0.02);
    }
  }

  NoiseGeneratorInfo info() const override {
    const int side = 4 << widths_.size();
    return {.noise = noise_, .classes = classes_, .channels = channels_, .height = side, .width = side};
  }
  Tensor map(const Tensor& noise, const Tensor& classes) override {
    return (classes_ > 0 ? torch::cat({noise, classes}, 1) : noise).unsqueeze(1);
  }
  Tensor synthesise(const Tensor& styles, LayerNoise) override {
    return main_->forward(styles.reshape({styles.size(0), -1, 1, 1})).to(torch::kFloat);
  }
  std::string architecture() const override { return "dcgan"; }
  nlohmann::json config() const override {
    return {{"noise", noise_}, {"classes", classes_}, {"channels", channels_}, {"widths", widths_}};
  }

 private:
  int noise_, classes_, channels_;
  std::vector<int> widths_;
  nn::Sequential main_;
};

std::optional<Detected> detect(const StateDict& weights) {
  const Tensor* first = weights.find("main.0.weight");
  // The discriminator of the same code has its first batch norm one layer later.
  if (!first || first->dim() != 4 || first->size(2) != 4 || !weights.contains("main.1.running_mean"))
    return std::nullopt;
  std::vector<int> widths;
  int layer = 0;
  for (; weights.contains(fmt::format("main.{}.running_mean", layer + 1)); layer += 3)
    widths.push_back(static_cast<int>(conv_weight(weights, fmt::format("main.{}", layer)).size(1)));
  return Detected{{{"noise", first->size(0)},
                   {"channels", conv_weight(weights, fmt::format("main.{}", layer)).size(1)},
                   {"widths", widths}},
                  weights,
                  "pytorch/examples"};
}

}  // namespace

NoiseGeneratorPlugin plugin() {
  return {.name = "dcgan",
          .summary = "DCGAN: transposed convolutions with batch norms (Radford et al. 2016)",
          .order = 50,
          .detect = detect,
          .make = [](const nlohmann::json& config) -> NoiseGeneratorPtr { return std::make_shared<Dcgan>(config); },
          .examples = {{{"noise", 8}, {"widths", {8, 4}}},
                       {{"noise", 5}, {"widths", {6, 4, 4}}, {"classes", 3}, {"channels", 1}}}};
}

}  // namespace ganvas::dcgan_plugin
