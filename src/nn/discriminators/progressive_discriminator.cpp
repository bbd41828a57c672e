// The discriminator of progressive growing (Karras et al. 2018) in the layout of rosinality/progressive-gan-pytorch.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/paths.hpp"
#include "nn/progressive_blocks.hpp"

namespace ganvas::progressive_discriminator_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

class ProgressiveDiscriminator final : public Discriminator {
 public:
  ProgressiveDiscriminator(const nlohmann::json& config, int size)
      : channels_(positive(config, "channels", 3)),
        classes_(whole(config, "classes", 0)),
        widths_(numbers(config, "widths", {64, 96, 128, 128, 128})),
        inner_(numbers(config, "inner_widths", shifted(widths_))) {
    check_keys(config, {"channels", "classes", "widths", "inner_widths"});
    const auto levels = widths_.size();
    if (levels > 9) fail(ErrorKind::recipe, "progressive: discriminator.widths: at most 9 levels");
    if (inner_.size() != levels)
      fail(ErrorKind::recipe, "progressive: discriminator.inner_widths: {} for {} widths", inner_.size(), levels);
    if (size < (4 << (levels - 1)))
      fail(ErrorKind::recipe, "discriminator: pictures of {} are too small for {} widths", size, levels);
    for (std::size_t i = 0; i < levels; ++i) {
      const bool last = i + 1 == levels;
      blocks_.push_back(
          register_at(*this, fmt::format("progression.{}", i),
                      std::make_shared<ProgressiveBlock>(ProgressiveBlock::Options{.in = widths_[i] + last,
                                                                                   .out = inner_[i],
                                                                                   .kernel = 3,
                                                                                   .padding = 1,
                                                                                   .second_kernel = last ? 4 : 3,
                                                                                   .second_padding = last ? 0 : 1,
                                                                                   .norm = false})));
      inputs_.push_back(
          register_at(*this, fmt::format("from_rgb.{}", i), nn::Conv2d(nn::Conv2dOptions(channels_, widths_[i], 1))));
    }
    linear_ = register_module("linear", nn::Linear(inner_.back(), 1 + classes_));
  }

  int classes() const override { return classes_; }
  Tensor forward(const Tensor& pictures) override {
    return at_level(pictures, static_cast<int>(widths_.size()) - 1, 1.0, {});
  }
  /// The score plus the class's own logit: the published code trains them apart (auxiliary classifier).
  Tensor given(const Tensor& pictures, const Tensor& classes) override {
    return at_level(pictures, static_cast<int>(widths_.size()) - 1, 1.0, classes);
  }
  Tensor at_level(const Tensor& pictures, int level, double fade, const Tensor& classes) override {
    const Tensor both = judged(pictures, level, fade), score = both.select(1, 0);
    return classes_ == 0 || !classes.defined() ? score : score + (both.narrow(1, 1, classes_) * classes).sum(1);
  }
  std::string architecture() const override { return "progressive"; }
  nlohmann::json config() const override {
    return {{"channels", channels_}, {"classes", classes_}, {"widths", widths_}, {"inner_widths", inner_}};
  }

 private:
  /// What each block gives by default: what the next one takes.
  static std::vector<int> shifted(const std::vector<int>& widths) {
    std::vector<int> inner(widths.begin() + 1, widths.end());
    inner.push_back(widths.back());
    return inner;
  }
  /// N x (1 + classes).
  Tensor judged(const Tensor& pictures, int level, double fade) {
    const std::size_t levels = widths_.size();
    if (level < 0 || level >= static_cast<int>(levels))
      fail(ErrorKind::recipe, "progressive: level {} of {}", level, levels);
    const std::size_t first = levels - 1 - static_cast<std::size_t>(level);
    Tensor x = inputs_[first]->forward(pictures);
    for (std::size_t i = first; i < levels; ++i) {
      if (i + 1 == levels) {
        // One plane: how much the batch differs (section 3), in the published code the pictures themselves.
        const Tensor deviation = x.size(0) > 1 ? pictures.std(0).mean() : torch::zeros({}, x.options());
        x = torch::cat({x, deviation.expand({x.size(0), 1, x.size(2), x.size(3)})}, 1);
      }
      x = blocks_[i]->forward(x);
      if (i + 1 == levels) break;
      x = torch::avg_pool2d(x, 2);
      if (i == first && fade < 1.0) x = torch::lerp(inputs_[i + 1]->forward(torch::avg_pool2d(pictures, 2)), x, fade);
    }
    return linear_->forward(x.flatten(1).to(torch::kFloat));
  }

  int channels_, classes_;
  std::vector<int> widths_, inner_;
  std::vector<std::shared_ptr<ProgressiveBlock>> blocks_;
  std::vector<nn::Conv2d> inputs_;
  nn::Linear linear_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("progression.0.conv.0.conv.weight_orig") || !weights.contains("from_rgb.0.weight"))
    return std::nullopt;
  std::vector<int> widths, inner;
  while (weights.contains(fmt::format("from_rgb.{}.weight", widths.size())) && widths.size() < 10) {
    const Tensor& second = weights.at(fmt::format("progression.{}.conv.2.conv.weight_orig", widths.size()));
    widths.push_back(static_cast<int>(conv_weight(weights, fmt::format("from_rgb.{}", widths.size())).size(0)));
    inner.push_back(static_cast<int>(second.size(0)));
  }
  return Detected{{{"channels", conv_weight(weights, "from_rgb.0").size(1)},
                   {"classes", weights.at("linear.weight").size(0) - 1},
                   {"widths", widths},
                   {"inner_widths", inner}},
                  weights,
                  "rosinality"};
}

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "progressive",
          .summary = "the discriminator of progressive growing, with minibatch deviation (Karras et al. 2018)",
          .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
            return std::make_shared<ProgressiveDiscriminator>(config, size);
          },
          .detect = detect,
          .example_size = 16,
          .examples = {{{"widths", {4, 6, 8}}}, {{"widths", {4, 6, 8}}, {"classes", 3}, {"channels", 1}}}};
}

}  // namespace ganvas::progressive_discriminator_plugin
