// MicroAST (Wang et al. 2023) as published, in four files: content_encoder, style_encoder, modulator, decoder; or
// together under these names, as its training writes them.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/modulated_style.hpp"

namespace ganvas::microast_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// 9x9, then twice depthwise 3x3 of stride 2 and 1x1, each with a ReLU.
nn::Sequential microast_head(int width) {
  nn::Sequential head;
  const auto add = [&](const ConvLayer& layer) {
    head->push_back(layer);
    head->push_back(nn::ReLU(nn::ReLUOptions(true)));
  };
  add(ConvLayer(3, width, 9));
  add(ConvLayer(width, 2 * width, 3, 2, width));
  add(ConvLayer(2 * width, 2 * width, 1));
  add(ConvLayer(2 * width, 4 * width, 3, 2, 2 * width));
  add(ConvLayer(4 * width, 4 * width, 1));
  return head;
}

class MicroAst final : public ModulatedStyleNetwork {
 public:
  explicit MicroAst(const nlohmann::json& config) : width_(positive(config, "width", 16)) {
    check_keys(config, {"width"});
    build(microast_head(width_), microast_head(width_), 4 * width_);
    const int halves[] = {4 * width_, 2 * width_, width_};
    for (int i = 0; i < 2; ++i) {
      tail_.push_back(ConvLayer(halves[i], halves[i + 1], 3, 1, halves[i + 1]));
      tail_.push_back(ConvLayer(halves[i + 1], halves[i + 1], 1));
    }
    tail_.push_back(ConvLayer(width_, 3, 9));
    const auto dec3 = decoder().register_module("dec3", std::make_shared<nn::Module>("dec3"));
    for (std::size_t i = 0; i < tail_.size(); ++i) dec3->register_module(std::to_string(places[i]), tail_[i]);
  }

  StyleNetworkInfo info() const override {
    // 4 of the 9x9, 1 and 2 of the strided convolutions, 4 places of the two residual layers; and back, two places at
    // half the size and bilinear neighbours.
    return {.cell = 4,
            .channels = 4 * width_,
            .encode_reach = 4 + 1 + 2 + 4 * 4,
            .decode_reach = 4,
            .steps = both_steps(),
            .live_values = 4 * width_};
  }
  Tensor decode(const Tensor& features) override {
    Tensor x = features;
    for (std::size_t i = 0; i < 4; i += 2) {
      x = torch::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, /*align_corners=*/false);
      x = torch::relu(tail_[i + 1]->forward(torch::relu(tail_[i]->forward(x))));
    }
    return tail_.back()->picture_of(x);
  }
  std::string architecture() const override { return "microast"; }
  nlohmann::json config() const override { return {{"width", width_}}; }

 private:
  static constexpr int places[] = {1, 3, 6, 8, 10};  ///< of tail_ in the published sequence
  int width_;
  std::vector<ConvLayer> tail_;
};

std::optional<Detected> detect(const StateDict& weights) {
  const std::pair<const char*, const char*> parts[] = {{"content_encoder.", "content_encoder.enc1.0.conv_layer.weight"},
                                                       {"style_encoder.", "style_encoder.enc1.0.conv_layer.weight"},
                                                       {"modulator.", "modulator.weight1.0.conv_layer.weight"},
                                                       {"decoder.", "decoder.dec3.10.conv_layer.weight"}};
  std::string missing;
  int there = 0;
  for (const auto& [prefix, key] : parts) {
    there += weights.contains(key);
    if (!weights.contains(key)) missing = std::string(prefix, std::string(prefix).size() - 1);
  }
  if (there == 0) return std::nullopt;
  if (!missing.empty()) fail(ErrorKind::model, "its {} is missing: give all four files", missing);
  StateDict own;  // a training's file has the VGG of the loss beside
  for (const auto& [key, tensor] : weights)
    if (!key.starts_with("vgg_enc")) own.set(key, tensor);
  return Detected{{{"width", conv_weight(weights, "content_encoder.enc1.0.conv_layer").size(0)}}, own, "MicroAST"};
}

std::string part_of(const StateDict& weights, const std::string& file_stem) {
  if (weights.contains("weight1.0.conv_layer.weight")) return "modulator.";
  if (weights.contains("dec3.10.conv_layer.weight")) return "decoder.";
  if (!weights.contains("enc1.0.conv_layer.weight")) return "";
  // The two encoders have the same keys and shapes.
  return file_stem.find("style") != std::string::npos ? "style_encoder." : "content_encoder.";
}

}  // namespace

StyleNetworkPlugin plugin() {
  return {.name = "microast",
          .summary = "any style, small and fast, published in four files (MicroAST, Wang et al. 2023)",
          .order = 20,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<MicroAst>(config); },
          .examples = {{{"width", 3}}},
          .part_of = part_of};
}

}  // namespace ganvas::microast_plugin
