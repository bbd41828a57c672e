// RealPLKSR (after PLKSR, Lee et al. 2024; neosr and traiNNer-redux): Mish between the mixing convolutions, a group
// norm after each block (or a layer norm before it), enlargement by pixel shuffle or DySample.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/dysample.hpp"
#include "nn/keys.hpp"
#include "nn/large_kernel.hpp"
#include "nn/mixed.hpp"
#include "nn/token_blocks.hpp"

namespace ganvas::realplksr_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int norm_groups = 4;  // not stored in files; everybody trains with this

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 64)),
        hidden(positive(config, "hidden", 2 * channels)),
        partial(positive(config, "partial_channels", 16)),
        kernel(positive(config, "kernel", 17)),
        norm(word(config, "norm", "group")),
        attention(truth(config, "attention", true)) {
    check_large_kernel(channels, partial, kernel);
    if (norm != "group" && norm != "layer") fail(ErrorKind::recipe, "norm '{}': expected group or layer", norm);
    if (norm == "group" && channels % norm_groups != 0)
      fail(ErrorKind::recipe, "channels: {} don't divide into the {} groups of the norm", channels, norm_groups);
  }
  int channels, hidden, partial, kernel;
  std::string norm;
  bool attention;
};

class BlockImpl final : public nn::Module {
 public:
  explicit BlockImpl(const Options& options)
      : mix1_(make_conv(options.channels, options.hidden)), mix2_(make_conv(options.hidden, options.channels)) {
    if (options.norm == "layer") layer_norm_ = register_module("layer_norm", ChannelNorm(options.channels));
    register_module("channel_mixer", nn::Sequential(mix1_, nn::Mish(), mix2_));
    large_ = register_module("lk", PartialLargeKernel(options.partial, options.kernel));
    if (options.attention) attention_ = register_module("attn", ElementAttention(options.channels));
    refine_ = register_module("refine", make_conv(options.channels, options.channels, 1));
    if (options.norm == "group")
      norm_ = register_module("norm", nn::GroupNorm(nn::GroupNormOptions(norm_groups, options.channels)));
  }
  Tensor forward(const Tensor& x) {
    Tensor y = layer_norm_ ? layer_norm_->forward(x) : x;
    y = large_->forward(mix2_->forward(mish_of(mix1_->forward(y))));
    if (attention_) y = attention_->forward(y);
    y = refine_->forward(y);
    // LibTorch sums channels_last less exactly.
    if (norm_) y = norm_->forward(y.contiguous());
    return x + y;
  }

 private:
  nn::Conv2d mix1_, mix2_, refine_{nullptr};
  ChannelNorm layer_norm_{nullptr};
  PartialLargeKernel large_{nullptr};
  ElementAttention attention_{nullptr};
  nn::GroupNorm norm_{nullptr};
};
TORCH_MODULE(Block);

class RealPlksr final : public Generator {
 public:
  explicit RealPlksr(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        blocks_count_(positive(config, "blocks", 28)),
        scale_(positive(config, "scale", 4)),
        dysample_(truth(config, "dysample", false)),
        options_(config) {
    check_keys(config, {"in_channels", "out_channels", "channels", "hidden", "partial_channels", "kernel", "norm",
                        "attention", "blocks", "scale", "dysample"});
    check_scale(scale_);
    if (out_ != in_ && !(dysample_ && scale_ > 1))
      fail(ErrorKind::recipe, "realplksr: {} input and {} output channels can't be added", in_, out_);
    first_ = make_conv(in_, options_.channels);
    last_ = make_conv(options_.channels, in_ * scale_ * scale_);
    nn::Sequential layers(first_);
    for (int i = 0; i < blocks_count_; ++i) {
      blocks_.emplace_back(options_);
      layers->push_back(blocks_.back());
    }
    layers->push_back(nn::Identity());  // a dropout in training, which published files count
    layers->push_back(last_);
    register_module("feats", layers);
    if (dysample_)
      sampler_ = register_module(
          "to_img", DySample(in_ * scale_ * scale_, out_, scale_, scale_ % 2 == 1 ? 3 : 4, /*mix=*/scale_ > 1));
  }
  Tensor forward(const Tensor& input) override {
    Tensor x = input_conv(first_, input);
    for (auto& block : blocks_) x = block->forward(x);
    x = output_conv(last_, x);
    // Published as every channel repeated before a shuffle, which is the enlarged picture behind it.
    if (!sampler_) return torch::pixel_shuffle(x, scale_) + enlarge_nearest(input, scale_);
    return sampler_->forward(x, input);
  }
  GeneratorInfo info() const override {
    const int block = 2 + options_.kernel / 2 + options_.attention;
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = out_,
            .halo = 2 + blocks_count_ * block + (dysample_ ? sampler_reach(scale_) : 0),
            .global = options_.norm == "group",
            .live_values = std::max(2 * options_.channels + 2 * options_.hidden, 4 * in_ * scale_ * scale_)};
  }
  std::string architecture() const override { return "realplksr"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_},
            {"out_channels", out_},
            {"channels", options_.channels},
            {"hidden", options_.hidden},
            {"partial_channels", options_.partial},
            {"kernel", options_.kernel},
            {"norm", options_.norm},
            {"attention", options_.attention},
            {"blocks", blocks_count_},
            {"scale", scale_},
            {"dysample", dysample_}};
  }
  void soften_pixel_shuffles() override {
    if (!dysample_) repeat_for_pixel_shuffle(last_->weight, scale_);
  }

 private:
  int in_, out_, blocks_count_, scale_;
  bool dysample_;
  Options options_;
  nn::Conv2d first_{nullptr}, last_{nullptr};
  std::vector<Block> blocks_;
  DySample sampler_{nullptr};
};

std::optional<Detected> detect(const StateDict& stored) {
  const std::string block = "feats.1.", mixer = block + "channel_mixer.";
  if (!stored.contains("feats.0.weight") || !stored.contains(block + "lk.conv.weight") ||
      !stored.contains(mixer + "0.weight"))
    return std::nullopt;
  StateDict weights = without_recomputed(stored);
  const int in = size_of(weights, "feats.0.weight", 4, 1);
  const int blocks = count_layers(weights, "feats.", ".refine.weight", 1);
  const std::string last = fmt::format("feats.{}.weight", blocks + 2);
  const auto scale = whole_root(size_of(weights, last, 4, 0) / in);
  if (!scale || *scale < 1) fail(ErrorKind::model, "{} gives no whole scale", last);
  const bool mixes = weights.contains("to_img.end_conv.weight");
  return Detected{{{"in_channels", in},
                   {"out_channels", mixes ? size_of(weights, "to_img.end_conv.weight", 4, 0) : in},
                   {"channels", size_of(weights, "feats.0.weight", 4, 0)},
                   {"hidden", size_of(weights, mixer + "0.weight", 4, 0)},
                   {"partial_channels", size_of(weights, block + "lk.conv.weight", 4, 0)},
                   {"kernel", size_of(weights, block + "lk.conv.weight", 4, 2)},
                   {"norm", weights.contains(block + "layer_norm.weight") ? "layer" : "group"},
                   {"attention", weights.contains(block + "attn.f.0.weight")},
                   {"blocks", blocks},
                   {"scale", *scale},
                   {"dysample", weights.contains("to_img.offset.weight")}},
                  std::move(weights),
                  "neosr, traiNNer-redux"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {
      .name = "realplksr",
      .summary = "RealPLKSR: PLKSR for real photographs, also with DySample (after Lee et al. 2024)",
      .order = 15,
      .detect = detect,
      .make = [](const nlohmann::json& config) { return std::make_shared<RealPlksr>(config); },
      .examples = {
          {{"channels", 8}, {"blocks", 1}, {"partial_channels", 2}, {"kernel", 5}, {"scale", 4}},
          {{"channels", 8},
           {"blocks", 2},
           {"partial_channels", 2},
           {"kernel", 5},
           {"scale", 2},
           {"norm", "layer"},
           {"dysample", true}},
          {{"channels", 6},
           {"blocks", 2},
           {"partial_channels", 3},
           {"kernel", 3},
           {"scale", 3},
           {"norm", "layer"},
           {"attention", false},
           {"in_channels", 1}},
          {{"channels", 4}, {"blocks", 1}, {"partial_channels", 2}, {"kernel", 3}, {"scale", 1}, {"dysample", true}}}};
}

}  // namespace ganvas::realplksr_plugin
