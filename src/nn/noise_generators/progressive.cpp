// The generator of progressive growing (Karras et al. 2018) in the layout of rosinality/progressive-gan-pytorch:
// nearest-neighbour enlargement, pixel norms, one picture layer a level.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/equalised.hpp"
#include "nn/paths.hpp"
#include "nn/progressive_blocks.hpp"

namespace ganvas::progressive_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

class Progressive final : public NoiseGenerator {
 public:
  explicit Progressive(const nlohmann::json& config)
      : noise_(positive(config, "noise", 128)),
        classes_(whole(config, "classes", 0)),
        embedding_(whole(config, "embedding", classes_)),
        channels_(positive(config, "channels", 3)),
        widths_(numbers(config, "widths", {128, 128, 128, 96, 64})) {
    check_keys(config, {"noise", "classes", "embedding", "channels", "widths"});
    if (widths_.size() > 9) fail(ErrorKind::recipe, "progressive: widths: at most 9 levels");
    if (classes_ > 0) embed_ = register_module("label_embed", nn::Embedding(classes_, embedding_));
    int in = noise_ + (classes_ > 0 ? embedding_ : 0);
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      const int out = widths_[i];
      levels_.push_back(
          register_at(*this, fmt::format("progression.{}", i),
                      std::make_shared<ProgressiveBlock>(ProgressiveBlock::Options{.in = in,
                                                                                   .out = out,
                                                                                   .kernel = i == 0 ? 4 : 3,
                                                                                   .padding = i == 0 ? 3 : 1,
                                                                                   .second_kernel = 3,
                                                                                   .second_padding = 1,
                                                                                   .norm = true})));
      pictures_.push_back(
          register_at(*this, fmt::format("to_rgb.{}", i), nn::Conv2d(nn::Conv2dOptions(out, channels_, 1))));
      in = out;
    }
  }

  NoiseGeneratorInfo info() const override {
    const int side = 4 << (widths_.size() - 1);
    return {.noise = noise_, .classes = classes_, .channels = channels_, .height = side, .width = side};
  }
  Tensor map(const Tensor& noise, const Tensor& classes) override {
    const Tensor normed = pixel_norm(noise);
    return (embed_ ? torch::cat({normed, torch::matmul(classes, embed_->weight)}, 1) : normed).unsqueeze(1);
  }
  Tensor synthesise(const Tensor& styles, LayerNoise) override {
    return at_level(styles, static_cast<int>(widths_.size()) - 1, 1.0);
  }
  Tensor at_level(const Tensor& styles, int level, double fade) override {
    if (level < 0 || level >= static_cast<int>(widths_.size()))
      fail(ErrorKind::recipe, "progressive: level {} of {}", level, widths_.size());
    Tensor x = styles.reshape({styles.size(0), -1, 1, 1});
    for (int i = 0;; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Tensor enlarged = i > 0 ? enlarge_nearest(x, 2) : x;
      x = levels_[at]->forward(enlarged);
      if (i < level) continue;
      const Tensor picture = pictures_[at]->forward(x).to(torch::kFloat);
      if (i == 0 || fade >= 1.0) return picture;
      return torch::lerp(pictures_[at - 1]->forward(enlarged).to(torch::kFloat), picture, fade);
    }
  }
  std::string architecture() const override { return "progressive"; }
  nlohmann::json config() const override {
    return {{"noise", noise_},
            {"classes", classes_},
            {"embedding", embedding_},
            {"channels", channels_},
            {"widths", widths_}};
  }

 private:
  int noise_, classes_, embedding_, channels_;
  std::vector<int> widths_;
  nn::Embedding embed_{nullptr};
  std::vector<std::shared_ptr<ProgressiveBlock>> levels_;
  std::vector<nn::Conv2d> pictures_;
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("progression.0.conv.0.conv.weight_orig") || !weights.contains("to_rgb.0.weight"))
    return std::nullopt;
  std::vector<int> widths;
  while (weights.contains(fmt::format("progression.{}.conv.3.conv.weight_orig", widths.size())) && widths.size() < 10)
    widths.push_back(static_cast<int>(conv_weight(weights, fmt::format("to_rgb.{}", widths.size())).size(1)));
  const Tensor& first = weights.at("progression.0.conv.0.conv.weight_orig");
  const Tensor* embed = weights.find("label_embed.weight");
  if (first.dim() != 4 || (embed && embed->dim() != 2))
    fail(ErrorKind::model, "its first layers have impossible shapes");
  return Detected{{{"noise", first.size(1) - (embed ? embed->size(1) : 0)},
                   {"classes", embed ? embed->size(0) : 0},
                   {"embedding", embed ? embed->size(1) : 0},
                   {"channels", conv_weight(weights, "to_rgb.0").size(0)},
                   {"widths", widths}},
                  weights,
                  "rosinality"};
}

}  // namespace

NoiseGeneratorPlugin plugin() {
  return {
      .name = "progressive",
      .summary = "progressive growing: one level after the other is faded in (Karras et al. 2018)",
      .order = 30,
      .detect = detect,
      .make = [](const nlohmann::json& config) -> NoiseGeneratorPtr { return std::make_shared<Progressive>(config); },
      .examples = {{{"noise", 6}, {"widths", {8, 8, 4}}},
                   {{"noise", 6}, {"widths", {8, 4}}, {"classes", 3}, {"embedding", 2}, {"channels", 1}}}};
}

}  // namespace ganvas::progressive_plugin
