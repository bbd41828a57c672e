// Swift-SRGAN (Krishnan and Krishnan 2021): SRResNet of depthwise separable convolutions.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/mixed.hpp"
#include "nn/paths.hpp"
#include "nn/reach.hpp"
#include "nn/token_blocks.hpp"

namespace ganvas::swift_srgan_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

struct Separable {
  Separable() = default;
  Separable(nn::Module& owner, const std::string& path, int in, int out, int kernel, bool bias)
      : depthwise(register_at(owner, path + ".depthwise", make_depthwise(in, kernel, bias))),
        pointwise(register_at(owner, path + ".pointwise", make_conv(in, out, 1, bias))) {}
  Tensor forward(const Tensor& x) { return pointwise->forward(depthwise->forward(x)); }
  nn::Conv2d depthwise{nullptr}, pointwise{nullptr};
};

nn::PReLU make_prelu(nn::Module& owner, const std::string& path, int channels, bool used = true) {
  const auto prelu = register_at(owner, path, nn::PReLU(nn::PReLUOptions().num_parameters(channels)));
  prelu->weight.set_requires_grad(used);
  return prelu;
}

/// Separable convolution, batch norm, PReLU; second ones have an activation in their files that nothing calls.
struct NormedBlock {
  NormedBlock(nn::Module& owner, const std::string& path, int channels, bool activated)
      : conv(owner, path + ".cnn", channels, channels, 3, /*bias=*/false),
        norm(register_at(owner, path + ".bn", nn::BatchNorm2d(channels))),
        act(make_prelu(owner, path + ".act", channels, activated)),
        active(activated) {}
  Tensor forward(const Tensor& x) {
    const Tensor y = norm->forward(conv.forward(x));
    return active ? act->forward(y) : y;
  }
  Separable conv;
  nn::BatchNorm2d norm;
  nn::PReLU act;
  bool active;
};

class SwiftSrgan final : public Generator {
 public:
  explicit SwiftSrgan(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        channels_(positive(config, "channels", 64)),
        blocks_(positive(config, "blocks", 16)),
        scale_(positive(config, "scale", 4)) {
    check_keys(config, {"in_channels", "channels", "blocks", "scale"});
    if (scale_ == 3) fail(ErrorKind::recipe, "scale: 3 is no power of two");
    ups_ = static_cast<int>(upsampler_steps(scale_).size());
    first_ = Separable(*this, "initial.cnn", in_, channels_, 9, true);
    first_act_ = make_prelu(*this, "initial.act", channels_);
    for (int i = 0; i < blocks_; ++i)
      for (int k = 1; k <= 2; ++k)
        residual_.emplace_back(*this, fmt::format("residual.{}.block{}", i, k), channels_, k == 1);
    residual_.emplace_back(*this, "convblock", channels_, false);
    for (int i = 0; i < ups_; ++i) {
      up_convs_.emplace_back(*this, fmt::format("upsampler.{}.conv", i), channels_, 4 * channels_, 3, true);
      up_acts_.push_back(make_prelu(*this, fmt::format("upsampler.{}.act", i), channels_));
    }
    last_ = Separable(*this, "final_conv", channels_, in_, 9, true);
  }

  Tensor forward(const Tensor& input) override {
    const Tensor first = first_act_->forward(first_.pointwise->forward(input_conv(first_.depthwise, input)));
    Tensor x = first;
    for (int i = 0; i < blocks_; ++i) x = x + residual_[2 * i + 1].forward(residual_[2 * i].forward(x));
    x = first + residual_.back().forward(x);
    for (int i = 0; i < ups_; ++i) x = up_acts_[i]->forward(torch::pixel_shuffle(up_convs_[i].forward(x), 2));
    x = output_conv(last_.pointwise, last_.depthwise->forward(x));
    return (torch::tanh(x) + 1) / 2;
  }

  GeneratorInfo info() const override {
    const int halo = widest_reach(1, [this](Reach pixel) {
      Reach out{pixel.first * scale_ - 4, pixel.last * scale_ + scale_ - 1 + 4};
      for (int i = 0; i < ups_; ++i) out = {divided_down(out.first, 2) - 1, divided_down(out.last, 2) + 1};
      const int body = 4 + 2 * blocks_ + 1;
      return Reach{out.first - body, out.last + body};
    });
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = in_,
            .halo = halo,
            .live_values = channels_ * std::max(4, 3 * scale_ * scale_)};
  }
  std::string architecture() const override { return "swiftsrgan"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_}, {"channels", channels_}, {"blocks", blocks_}, {"scale", scale_}};
  }
  void soften_pixel_shuffles() override {
    for (auto& up : up_convs_) repeat_for_pixel_shuffle(up.pointwise->weight, 2);
  }

 private:
  int in_, channels_, blocks_, scale_, ups_ = 0;
  Separable first_, last_;
  nn::PReLU first_act_{nullptr};
  std::vector<NormedBlock> residual_;  ///< two a block, and the one after all blocks
  std::vector<Separable> up_convs_;
  std::vector<nn::PReLU> up_acts_;
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("initial.cnn.depthwise.weight") || !weights.contains("final_conv.pointwise.weight"))
    return std::nullopt;
  const int ups = count_layers(weights, "upsampler.", ".conv.pointwise.weight");
  if (ups > 6) fail(ErrorKind::model, "its {} enlargements are too many", ups);
  return Detected{{{"in_channels", size_of(weights, "initial.cnn.pointwise.weight", 4, 1)},
                   {"channels", size_of(weights, "initial.cnn.pointwise.weight", 4, 0)},
                   {"blocks", count_layers(weights, "residual.", ".block1.cnn.depthwise.weight")},
                   {"scale", 1 << ups}},
                  weights,
                  "Swift-SRGAN"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "swiftsrgan",
          .summary = "Swift-SRGAN: SRResNet of depthwise separable convolutions (Krishnan and Krishnan 2021)",
          .order = 30,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<SwiftSrgan>(config); },
          .examples = {{{"channels", 4}, {"blocks", 1}, {"scale", 4}},
                       {{"channels", 4}, {"blocks", 2}, {"scale", 2}, {"in_channels", 1}}}};
}

}  // namespace ganvas::swift_srgan_plugin
