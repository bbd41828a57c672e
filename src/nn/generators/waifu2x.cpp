// The plain stacks of waifu2x (nagadomi): upconv_7 for x2, vgg_7 for x1; after SRCNN (Dong et al. 2014). Convolutions
// without padding, the picture's edge repeated around it instead.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/mixed.hpp"
#include "nn/paths.hpp"
#include "nn/reach.hpp"
#include "nn/token_blocks.hpp"
#include "nn/transposed_conv.hpp"

namespace ganvas::waifu2x_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int hidden_layers = 6, around = 7;

class Waifu2x final : public Generator {
 public:
  explicit Waifu2x(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        scale_(positive(config, "scale", 2)),
        widths_(numbers(config, "widths", {16, 32, 64, 128, 128, 256})) {
    check_keys(config, {"in_channels", "out_channels", "scale", "widths"});
    if (scale_ > 2) fail(ErrorKind::recipe, "scale: {} is not 1 (vgg_7) or 2 (upconv_7)", scale_);
    if (widths_.size() != hidden_layers)
      fail(ErrorKind::recipe, "widths: {} numbers, not {}", widths_.size(), hidden_layers);
    int in = in_;
    for (int i = 0; i < hidden_layers; ++i) {
      convs_.push_back(
          register_at(*this, fmt::format("net.{}", 2 * i), make_conv(nn::Conv2dOptions(in, widths_[i], 3))));
      in = widths_[i];
    }
    const std::string last = fmt::format("net.{}", 2 * hidden_layers);
    if (scale_ == 1) {
      last_ = register_at(*this, last, make_conv(nn::Conv2dOptions(in, out_, 3)));
    } else {
      WeightBudget::spend(std::int64_t{in} * out_ * 16 + out_ + 16);
      up_ = register_at(*this, last, TransposedConv(nn::ConvTranspose2dOptions(in, out_, 4).stride(2).padding(3)));
    }
    // Untrained, it starts inside of what isn't clamped.
    const torch::NoGradGuard no_grad;
    (up_ ? up_->bias : last_->bias).fill_(0.5);
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = pad_around(input, around, 1, Border::repeated).to(convs_[0]->weight.scalar_type());
    for (auto& conv : convs_) x = leaky_relu_of(conv->forward(x), 0.1);
    x = up_ ? output_conv(*up_, x) : output_conv(last_, x);
    // As published; training has to see by how much it is beyond.
    return is_training() ? x : x.clamp(0, 1);
  }

  GeneratorInfo info() const override {
    const int halo = widest_reach(1, [this](Reach pixel) {
      Reach read = scale_ == 1 ? through_conv(pixel, 3, 1, 0)
                               : through_transposed({2 * pixel.first, 2 * pixel.last + 1}, 4, 2, 3);
      for (int i = 0; i < hidden_layers; ++i) read = through_conv(read, 3, 1, 0);
      return Reach{read.first - around, read.last - around};
    });
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = out_,
            .halo = halo,
            .live_values = 2 * *std::max_element(widths_.begin(), widths_.end())};
  }
  std::string architecture() const override { return "waifu2x"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_}, {"out_channels", out_}, {"scale", scale_}, {"widths", widths_}};
  }

 private:
  int in_, out_, scale_;
  std::vector<int> widths_;
  std::vector<nn::Conv2d> convs_;
  nn::Conv2d last_{nullptr};
  TransposedConv up_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  const std::string end = fmt::format("net.{}.weight", 2 * hidden_layers);
  if (!weights.contains("net.0.weight") || !weights.contains(end) || !only_prefixes(weights, {"net."}) ||
      weights.size() != 2 * (hidden_layers + 1))
    return std::nullopt;
  const Tensor& last = weights.at(end);
  const bool up = last.dim() == 4 && last.size(2) == 4;
  std::vector<int> widths;
  for (int i = 0; i < hidden_layers; ++i) widths.push_back(size_of(weights, fmt::format("net.{}.weight", 2 * i), 4, 0));
  return Detected{{{"in_channels", size_of(weights, "net.0.weight", 4, 1)},
                   {"out_channels", size_of(weights, end, 4, up ? 1 : 0)},
                   {"scale", up ? 2 : 1},
                   {"widths", widths}},
                  weights,
                  up ? "waifu2x upconv_7 (nunif)" : "waifu2x vgg_7 (nunif)"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "waifu2x",
          .summary = "waifu2x: upconv_7 and vgg_7 for drawings (nagadomi; after SRCNN, Dong et al. 2014)",
          .order = 33,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Waifu2x>(config); },
          .examples = {{{"scale", 2}, {"widths", {2, 3, 4, 4, 4, 6}}},
                       {{"scale", 1}, {"widths", {2, 3, 4, 4, 4, 6}}, {"in_channels", 1}}}};
}

}  // namespace ganvas::waifu2x_plugin
