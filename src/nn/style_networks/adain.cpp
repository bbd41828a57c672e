// Adaptive instance normalisation (Huang and Belongie 2017) between the normalised VGG's relu4_1 and a decoder that
// mirrors it. Published as two files of bare indices: vgg_normalised.pth and decoder.pth.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/style_network.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/vgg_style_blocks.hpp"

namespace ganvas::adain_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// Where the published sequences have their convolutions.
constexpr std::array<int, 10> encoder_places{0, 2, 5, 9, 12, 16, 19, 22, 25, 29};
constexpr std::array<int, 9> decoder_places{1, 5, 8, 11, 14, 18, 21, 25, 28};

class Adain final : public StyleNetwork {
 public:
  explicit Adain(const nlohmann::json& config) : widths_(numbers(config, "widths", {64, 128, 256, 512})) {
    check_keys(config, {"widths"});
    if (widths_.size() != 4) fail(ErrorKind::recipe, "widths: 4 are wanted, not {}", widths_.size());
    encoder_ = vgg_encoder_convs(widths_);
    decoder_ = vgg_decoder_convs(widths_);
    const auto vgg = std::make_shared<nn::Module>("vgg"), decoder = std::make_shared<nn::Module>("decoder");
    for (std::size_t i = 0; i < encoder_.size(); ++i)
      vgg->register_module(std::to_string(encoder_places[i]), encoder_[i]);
    for (std::size_t i = 0; i < decoder_.size(); ++i)
      decoder->register_module(std::to_string(decoder_places[i]), decoder_[i]);
    register_module("vgg", vgg);
    register_module("decoder", decoder);
  }

  StyleNetworkInfo info() const override {
    return {.cell = 8,
            .channels = widths_.back(),
            .encode_reach = vgg_encode_reach(widths_.size()),
            .decode_reach = vgg_decode_reach(widths_.size()),
            .steps = {{}},
            .live_values = 3 * widths_[0]};
  }
  StyleCode encode_style(const Tensor& pictures, const Tensor& weights) override {
    const StyleStatistics own = observe(encode(pictures), Observation::moments, weights);
    return {{"mean", own.mean}, {"deviation", own.deviation()}};
  }
  Tensor encode(const Tensor& pictures) override { return vgg_encoded(encoder_, widths_, pictures); }
  /// Equation 8.
  Tensor apply(int, const Tensor& x, const StyleStatistics& own, const StyleCode& code) override {
    const Tensor factor = code.at("deviation") / own.deviation().to(x.scalar_type());
    return x * factor + (code.at("mean") - own.mean.to(x.scalar_type()) * factor);
  }
  Tensor decode(const Tensor& features) override { return vgg_decoded(decoder_, widths_, features); }
  std::string architecture() const override { return "adain"; }
  nlohmann::json config() const override { return {{"widths", widths_}}; }

 private:
  std::vector<int> widths_;
  std::vector<nn::Conv2d> encoder_, decoder_;
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("vgg.0.weight") && !weights.contains("decoder.28.weight")) return std::nullopt;
  if (!weights.contains("vgg.0.weight"))
    fail(ErrorKind::model, "its encoder is missing (vgg_normalised.pth): give both files");
  if (!weights.contains("decoder.28.weight")) fail(ErrorKind::model, "its decoder is missing: give both files");
  std::vector<std::int64_t> widths;
  for (const int place : {2, 9, 16, 29}) widths.push_back(conv_weight(weights, fmt::format("vgg.{}", place)).size(0));
  if (const auto in = conv_weight(weights, "decoder.1").size(1); in != widths.back())
    fail(ErrorKind::model, "its decoder takes {} channels and its encoder gives {}", in, widths.back());
  StateDict own;  // the published encoder goes on to relu5_4
  for (const auto& [key, tensor] : weights) {
    const auto parts = key_parts(key);
    const bool unused = parts.size() == 3 && parts[0] == "vgg" && parts[1].size() == 2 && parts[1] > "29";
    if (!unused) own.set(key, tensor);
  }
  return Detected{{{"widths", widths}}, own, "pytorch-AdaIN"};
}

std::string part_of(const StateDict& weights, const std::string&) {
  const Tensor* first = weights.find("0.weight");
  if (first && first->dim() == 4 && first->size(2) == 1 && weights.contains("29.weight")) return "vgg.";
  return !first && weights.contains("1.weight") && weights.contains("28.weight") ? "decoder." : "";
}

}  // namespace

StyleNetworkPlugin plugin() {
  return {.name = "adain",
          .summary = "any style, adaptive instance norm between a VGG and its mirror (Huang and Belongie 2017)",
          .order = 40,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Adain>(config); },
          .examples = {{{"widths", {4, 6, 8, 10}}}},
          .part_of = part_of};
}

}  // namespace ganvas::adain_plugin
