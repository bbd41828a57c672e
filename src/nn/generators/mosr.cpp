// MoSR (neosr): gated convolutional blocks after MetaNeXt and MambaOut, each 0.5 below its sum.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/dysample.hpp"
#include "nn/keys.hpp"
#include "nn/mixed.hpp"
#include "nn/paths.hpp"
#include "nn/token_blocks.hpp"

namespace ganvas::mosr_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int sampler_groups = 4;
constexpr int averaged = 8;  // results that the upsampler "gps" makes and averages

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 64)),
        hidden(positive(config, "hidden", 3 * channels / 2)),
        mixed(positive(config, "mixed", channels)),
        kernel(positive(config, "kernel", 7)) {
    if (mixed > hidden) fail(ErrorKind::recipe, "mixed: {} are more than the {} hidden features", mixed, hidden);
    if (kernel % 2 == 0) fail(ErrorKind::recipe, "kernel: {} is even", kernel);
  }
  int channels, hidden, mixed, kernel;
};

class BlockImpl final : public nn::Module {
 public:
  explicit BlockImpl(const Options& options)
      : options_(options),
        norm_(register_module("norm", ChannelNorm(options.channels))),
        fc1_(register_module("fc1", make_conv(options.channels, 2 * options.hidden))),
        conv_(register_module("conv", make_depthwise(options.mixed, options.kernel))),
        fc2_(register_module("fc2", make_conv(options.hidden, options.channels))) {}
  Tensor forward(const Tensor& x) {
    const int hidden = options_.hidden, mixed = options_.mixed;
    const Tensor parts = fc1_->forward(norm_->forward(x));
    const Tensor convolved = conv_->forward(parts.narrow(1, 2 * hidden - mixed, mixed));
    const Tensor values =
        mixed < hidden ? torch::cat({parts.narrow(1, hidden, hidden - mixed), convolved}, 1) : convolved;
    return x + mish_of(fc2_->forward(mish_of(parts.narrow(1, 0, hidden)) * values)) - 0.5;
  }

 private:
  Options options_;
  ChannelNorm norm_;
  nn::Conv2d fc1_, conv_, fc2_;
};
TORCH_MODULE(Block);

class MoSr final : public Generator {
 public:
  explicit MoSr(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        blocks_count_(positive(config, "blocks", 24)),
        scale_(positive(config, "scale", 4)),
        upsampler_(word(config, "upsampler", "pixelshuffle")),
        options_(config) {
    check_keys(config, {"in_channels", "out_channels", "channels", "hidden", "mixed", "kernel", "blocks", "scale",
                        "upsampler"});
    check_scale(scale_);
    const int channels = options_.channels;
    const auto conv = [&](const std::string& path, int in, int out, int kernel = 3) {
      return register_at(*this, path, make_conv(in, out, kernel));
    };
    first_ = conv("gblocks.0", in_, channels);
    for (int i = 1; i <= blocks_count_; ++i)
      blocks_.push_back(register_at(*this, fmt::format("gblocks.{}", i), Block(options_)));
    const auto end = [&](int i) { return fmt::format("gblocks.{}", blocks_count_ + i); };
    wide_ = conv(end(1), channels, 2 * channels);
    narrow_ = conv(end(3), 2 * channels, channels);
    point_ = conv(end(5), channels, channels, 1);
    short1_ = conv("shortcut.block.0", in_, channels);
    short2_ = conv("shortcut.block.2", channels, channels);
    short_point_ = conv("shortcut.conv11", in_, channels, 1);
    const int planes = out_ * scale_ * scale_;
    if (upsampler_ == "pixelshuffle") last_ = conv("upsampler.0", channels, planes);
    else if (upsampler_ == "gps") last_ = conv("upsampler.in_to_k", channels, averaged * planes);
    else if (upsampler_ == "dysample")
      sampler_ = register_module("upsampler", DySample(channels, out_, scale_, sampler_groups, /*mix=*/true));
    else fail(ErrorKind::recipe, "upsampler '{}': expected pixelshuffle, gps or dysample", upsampler_);
  }

  Tensor forward(const Tensor& input) override {
    const Tensor picture = input.to(first_->weight.scalar_type());
    Tensor x = first_->forward(picture);
    for (auto& block : blocks_) x = block->forward(x);
    x = point_->forward(mish_of(narrow_->forward(mish_of(wide_->forward(x)))));
    const Tensor shortcut = mish_of(short2_->forward(mish_of(short1_->forward(picture))));
    x = x + (shortcut + short_point_->forward(picture)) - 0.5;
    if (sampler_) return sampler_->forward(x);
    x = output_conv(last_, x);
    if (upsampler_ == "gps") x = x.reshape({x.size(0), averaged, out_ * scale_ * scale_, x.size(2), x.size(3)}).mean(1);
    return torch::pixel_shuffle(x, scale_);
  }

  GeneratorInfo info() const override {
    const int ends = 1 + 2, up = upsampler_ == "dysample" ? sampler_reach(scale_) : 1;
    const int planes = out_ * scale_ * scale_ * (upsampler_ == "gps" ? averaged : 1);
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = out_,
            .halo = ends + blocks_count_ * (2 + options_.kernel / 2) + up,
            .live_values = std::max(2 * options_.channels + 4 * options_.hidden, 2 * planes)};
  }
  std::string architecture() const override { return "mosr"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_},        {"out_channels", out_},    {"channels", options_.channels},
            {"hidden", options_.hidden}, {"mixed", options_.mixed}, {"kernel", options_.kernel},
            {"blocks", blocks_count_},   {"scale", scale_},         {"upsampler", upsampler_}};
  }
  void soften_pixel_shuffles() override {
    if (upsampler_ == "pixelshuffle") repeat_for_pixel_shuffle(last_->weight, scale_);
  }

 private:
  int in_, out_, blocks_count_, scale_;
  std::string upsampler_;
  Options options_;
  nn::Conv2d first_{nullptr}, wide_{nullptr}, narrow_{nullptr}, point_{nullptr}, last_{nullptr};
  nn::Conv2d short1_{nullptr}, short2_{nullptr}, short_point_{nullptr};
  std::vector<Block> blocks_;
  DySample sampler_{nullptr};
};

std::optional<Detected> detect(const StateDict& stored) {
  if (!stored.contains("gblocks.0.weight") || !stored.contains("gblocks.1.fc1.weight")) return std::nullopt;
  StateDict weights = without_recomputed(stored);
  const int in = size_of(weights, "gblocks.0.weight", 4, 1);
  std::string upsampler = "pixelshuffle";
  ShuffledOutput output;
  if (weights.contains("upsampler.in_to_k.weight")) {
    upsampler = "gps";
    output = split_planes(size_of(weights, "upsampler.in_to_k.weight", 4, 0) / averaged, in);
  } else if (weights.contains("upsampler.offset.weight")) {
    upsampler = "dysample";
    const auto scale = whole_root(size_of(weights, "upsampler.offset.weight", 4, 0) / (2 * sampler_groups));
    if (!scale || *scale < 1) fail(ErrorKind::model, "its sampler has no whole scale");
    output = {*scale, size_of(weights, "upsampler.end_conv.weight", 4, 0)};
  } else {
    output = split_planes(size_of(weights, "upsampler.0.weight", 4, 0), in);
  }
  return Detected{{{"in_channels", in},
                   {"out_channels", output.channels},
                   {"channels", size_of(weights, "gblocks.0.weight", 4, 0)},
                   {"hidden", size_of(weights, "gblocks.1.fc2.weight", 4, 1)},
                   {"mixed", size_of(weights, "gblocks.1.conv.weight", 4, 0)},
                   {"kernel", size_of(weights, "gblocks.1.conv.weight", 4, 2)},
                   {"blocks", count_layers(weights, "gblocks.", ".fc1.weight", 1)},
                   {"scale", output.scale},
                   {"upsampler", upsampler}},
                  std::move(weights),
                  "neosr"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "mosr",
          .summary = "MoSR: gated convolutions, also with DySample (neosr)",
          .order = 16,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<MoSr>(config); },
          .examples = {{{"channels", 6}, {"blocks", 1}, {"kernel", 3}, {"scale", 4}},
                       {{"channels", 8}, {"blocks", 2}, {"kernel", 5}, {"scale", 2}, {"upsampler", "dysample"}},
                       {{"channels", 6},
                        {"blocks", 1},
                        {"kernel", 3},
                        {"mixed", 4},
                        {"scale", 2},
                        {"upsampler", "gps"},
                        {"in_channels", 1}}}};
}

}  // namespace ganvas::mosr_plugin
