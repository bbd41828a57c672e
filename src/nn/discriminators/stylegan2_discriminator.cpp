// StyleGAN2's discriminator with residual connections (Karras et al. 2020), by option conditional by projection
// (StyleGAN2-ADA). The keys are those of stylegan2-ada-pytorch; rosinality's and BasicSR's layouts load too.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/equalised.hpp"
#include "nn/spectral.hpp"
#include "nn/stylegan2_layouts.hpp"

namespace ganvas::stylegan2_discriminator_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// Classes -> the vector that the last features are projected on.
struct ClassMapping final : nn::Module {
  ClassMapping(int classes, int width, int layers) {
    embed = register_module("embed", EqualLinear(classes, width));
    for (int i = 0; i < layers; ++i)
      rest.push_back(register_module(fmt::format("fc{}", i), EqualLinear(width, width, 0.01)));
  }
  Tensor forward(const Tensor& classes) {
    Tensor x = pixel_norm(embed->forward(classes));
    for (auto& layer : rest) x = scaled_leaky_relu(layer->forward(x));
    return x;
  }
  EqualLinear embed{nullptr};
  std::vector<EqualLinear> rest;
};

/// One resolution, halved at the end.
struct Block final : nn::Module {
  Block(int channels, int in, int out) {
    if (channels > 0) fromrgb = register_module("fromrgb", EqualConv2d(EqualConv2dImpl::Options{channels, in, 1}));
    conv0 = register_module("conv0", EqualConv2d(EqualConv2dImpl::Options{in, in, 3, 1, 1}));
    conv1 = register_module("conv1", EqualConv2d(EqualConv2dImpl::Options{in, out, 3, 2, 0}));
    EqualConv2dImpl::Options beside{in, out, 1};
    beside.bias = false;
    beside.gain = std::sqrt(0.5);
    skip = register_module("skip", EqualConv2d(beside));
  }
  /// Their sum over sqrt(2): of the deep way, that is the activation's gain; of the short one, a part of its weights.
  Tensor forward(const Tensor& pictures) {
    const Tensor x = fromrgb ? fromrgb->activated(pictures) : pictures;
    const Tensor y = conv0->activated(x);
    return conv1->activated(blur(y, 2, 2), 1.0) + skip->forward(reduce_filtered(x));
  }
  EqualConv2d fromrgb{nullptr}, conv0{nullptr}, conv1{nullptr}, skip{nullptr};
};

/// 4 x 4 pixels -> logits, or features to project.
struct Head final : nn::Module {
  Head(int in, int out, int pixels, int outputs, int stddev) : group(stddev) {
    conv = register_module("conv", EqualConv2d(EqualConv2dImpl::Options{in + (stddev > 0), in, 3, 1, 1}));
    fc = register_module("fc", EqualLinear(in * pixels, out));
    last = register_module("out", EqualLinear(out, outputs));
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = conv->activated(append_minibatch_stddev(x, group));
    return last->forward(scaled_leaky_relu(fc->forward(y.flatten(1).to(torch::kFloat))));
  }
  int group;
  EqualConv2d conv{nullptr};
  EqualLinear fc{nullptr}, last{nullptr};
};

class StyleGan2Discriminator final : public Discriminator {
 public:
  StyleGan2Discriminator(const nlohmann::json& config, int size)
      : channels_(positive(config, "channels", 3)),
        classes_(whole(config, "classes", 0)),
        stddev_(whole(config, "minibatch_stddev", 4)),
        mapping_layers_(whole(config, "mapping_layers", classes_ > 0 ? 8 : 0)),
        widths_(numbers(config, "widths", {32, 64, 96, 128, 128})),
        last_(positive(config, "last_width", widths_.back())),
        pixels_(positive(config, "pixels", 16)) {
    check_keys(config, {"channels", "classes", "minibatch_stddev", "mapping_layers", "widths", "last_width", "pixels"});
    const int levels = static_cast<int>(widths_.size()) - 1;
    if (levels > 8) fail(ErrorKind::recipe, "stylegan2: discriminator.widths: at most 9 levels");
    if (levels == 0) fail(ErrorKind::recipe, "stylegan2: discriminator.widths: at least two levels");
    if (size != 4 << levels && size != any_size)
      fail(ErrorKind::recipe, "discriminator: {} widths are for pictures of {} pixels, not {}: the last is for 4x4",
           widths_.size(), 4 << levels, size);
    for (int i = 0; i < levels; ++i) {
      const auto at = static_cast<std::size_t>(i);
      blocks_.push_back(register_module(fmt::format("b{}", (4 << levels) >> i),
                                        std::make_shared<Block>(i == 0 ? channels_ : 0, widths_[at], widths_[at + 1])));
    }
    if (classes_ > 0)
      mapping_ = register_module("mapping", std::make_shared<ClassMapping>(classes_, last_, mapping_layers_));
    head_ = register_module("b4",
                            std::make_shared<Head>(widths_.back(), last_, pixels_, classes_ > 0 ? last_ : 1, stddev_));
  }

  int classes() const override { return classes_; }
  Tensor forward(const Tensor& pictures) override { return given(pictures, mean_class(pictures)); }
  Tensor given(const Tensor& pictures, const Tensor& classes) override {
    const Tensor x = judged(pictures);
    if (classes_ == 0) return x;
    return (x * mapping_->forward(classes)).sum(1, true) / std::sqrt(static_cast<double>(last_));
  }
  std::vector<Tensor> features(const Tensor& pictures) override {
    std::vector<Tensor> found;
    Tensor x = pictures;
    for (auto& block : blocks_) found.push_back(x = block->forward(x));
    found.push_back(head_->forward(x));
    return found;
  }
  std::string architecture() const override { return "stylegan2"; }
  nlohmann::json config() const override {
    return {{"channels", channels_},
            {"classes", classes_},
            {"minibatch_stddev", stddev_},
            {"mapping_layers", mapping_layers_},
            {"widths", widths_},
            {"last_width", last_},
            {"pixels", pixels_}};
  }

 private:
  Tensor judged(const Tensor& pictures) {
    Tensor x = pictures;
    for (auto& block : blocks_) x = block->forward(x);
    return head_->forward(x);
  }

  int channels_, classes_, stddev_, mapping_layers_;
  std::vector<int> widths_;
  int last_, pixels_;
  std::vector<std::shared_ptr<Block>> blocks_;
  std::shared_ptr<ClassMapping> mapping_;
  std::shared_ptr<Head> head_;
};

std::optional<Detected> detect(const StateDict& file) {
  auto found = stylegan2_discriminator_layout(file);
  if (!found) return std::nullopt;
  const StateDict& weights = found->weights;
  int top = 4;
  while (!weights.contains(fmt::format("b{}.fromrgb.weight", top)))
    if ((top *= 2) > 4096) fail(ErrorKind::model, "no layer takes the picture");
  std::vector<int> widths;
  for (int side = top; side > 4; side /= 2) {
    if (!weights.contains(fmt::format("b{}.skip.weight", side)))
      fail(ErrorKind::model,
           "its blocks have no residual connections: StyleGAN2's 'orig' and 'skip' discriminators are "
           "not known here");
    widths.push_back(static_cast<int>(conv_weight(weights, fmt::format("b{}.conv0", side)).size(0)));
  }
  const Tensor& last = conv_weight(weights, "b4.conv");
  widths.push_back(static_cast<int>(last.size(0)));
  const Tensor& fc = weights.at("b4.fc.weight");
  const Tensor* embed = weights.find("mapping.embed.weight");
  if (fc.dim() != 2 || (embed && embed->dim() != 2)) fail(ErrorKind::model, "its last layers have impossible shapes");
  found->config = {{"channels", conv_weight(weights, fmt::format("b{}.fromrgb", top)).size(1)},
                   {"classes", embed ? embed->size(1) : 0},
                   {"minibatch_stddev", last.size(1) > last.size(0) ? 4 : 0},
                   {"mapping_layers", count_layers(weights, "mapping.fc", ".weight")},
                   {"widths", widths},
                   {"last_width", fc.size(0)},
                   {"pixels", fc.size(1) / last.size(0)}};
  return found;
}

}  // namespace

DiscriminatorPlugin plugin() {
  return {
      .name = "stylegan2",
      .summary = "StyleGAN2's residual discriminator, conditional by projection (Karras et al. 2020)",
      .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
        return std::make_shared<StyleGan2Discriminator>(config, size);
      },
      .detect = detect,
      .example_size = 16,
      .examples = {
          {{"widths", {4, 6, 8}}},
          {{"widths", {4, 6, 8}}, {"classes", 3}, {"mapping_layers", 1}, {"channels", 1}, {"minibatch_stddev", 0}}}};
}

}  // namespace ganvas::stylegan2_discriminator_plugin
