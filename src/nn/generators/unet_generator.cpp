// The U-Net generator of pix2pix (Isola et al. 2017, section 6.1.1): each level halves the picture, computes the level
// below and puts its result beside its own input. Keys as in the published code, where levels are nested.
#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/legacy_norm.hpp"
#include "nn/mixed.hpp"
#include "nn/reach.hpp"
#include "nn/translator_layers.hpp"
#include "nn/transposed_conv.hpp"

namespace ganvas::unet_generator_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// How deep a level lies.
enum class Rank { outermost, middle, innermost };

struct LevelOptions {
  int in = 3, out = 3;  ///< of the whole level (without the skipped input)
  int inner = 64;       ///< features between this level and the next
  Rank rank = Rank::middle;
  std::string norm = "batch";
  bool dropout = false;
  bool resize = false;  ///< enlarges by repetition and a convolution, not by a transposed one
};

class UNetLevelImpl : public nn::Module {
 public:
  UNetLevelImpl(const LevelOptions& options, std::shared_ptr<UNetLevelImpl> below)
      : outermost_(options.rank == Rank::outermost) {
    const bool innermost = options.rank == Rank::innermost;
    const bool bias = options.norm == "instance";  // as published; a batch norm brings a shift of its own
    const int below_gives = innermost ? options.inner : 2 * options.inner;
    WeightBudget::spend(static_cast<std::int64_t>(options.inner) * options.in * 16);
    const nn::Conv2d down(nn::Conv2dOptions(options.in, options.inner, 4).stride(2).padding(1).bias(bias));
    nn::Sequential body;
    if (!outermost_) body->push_back(nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)));
    body->push_back(down);
    if (options.rank == Rank::middle) push_generator_norm(body, options.norm, options.inner);
    if (below) body->push_back(std::move(below));
    body->push_back(nn::ReLU());
    if (options.resize) {
      resized_ = push_resize_conv(body, below_gives, options.out, bias || outermost_);
    } else {
      WeightBudget::spend(static_cast<std::int64_t>(below_gives) * options.out * 16);
      transposed_ = TransposedConv(
          nn::ConvTranspose2dOptions(below_gives, options.out, 4).stride(2).padding(1).bias(bias || outermost_));
      body->push_back(transposed_);
    }
    if (outermost_) {
      body->push_back(nn::Tanh());
    } else {
      push_generator_norm(body, options.norm, options.out);
      if (options.dropout) body->push_back(nn::Dropout(0.5));
    }
    body_ = register_module("model", body);
    first_ = down;
  }

  Tensor forward(const Tensor& x) {
    if (!outermost_) return torch::cat({x, body_->forward(x)}, 1);
    Tensor features = x.to(first_->weight.scalar_type());
    for (auto layer = body_->begin(); layer != body_->end() - 2; ++layer) features = layer->forward(features);
    return torch::tanh(resized_ ? output_conv(resized_, features) : output_conv(*transposed_, features));
  }

 private:
  bool outermost_;
  nn::Sequential body_{nullptr};
  nn::Conv2d first_{nullptr};
  TransposedConv transposed_{nullptr};  ///< one of these enlarges
  nn::Conv2d resized_{nullptr};
};

class UNetGenerator final : public Generator {
 public:
  explicit UNetGenerator(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        width_(positive(config, "width", 64)),
        downs_(positive(config, "downs", 8)),
        norm_(word(config, "norm", "batch")),
        dropout_(truth(config, "dropout", true)),
        upsample_(word(config, "upsample", "transposed")),
        palette_count_(count_of_palettes(config)) {
    check_keys(config, {"in_channels", "out_channels", "width", "downs", "norm", "dropout", "upsample", "palettes"});
    if (upsample_ != "transposed" && upsample_ != "resize")
      fail(ErrorKind::recipe, "upsample '{}': expected transposed (as published) or resize (no checkerboard)",
           upsample_);
    if (downs_ < 5 || downs_ > 12)
      fail(ErrorKind::recipe, "downs {}: expected 5 to 12 (7 for pictures of 128, 8 for 256, 9 for 512)", downs_);
    const auto level = [&](int in, int out, int inner, Rank rank, bool dropout, std::shared_ptr<UNetLevelImpl> below) {
      return std::make_shared<UNetLevelImpl>(LevelOptions{in, out, inner, rank, norm_, dropout, upsample_ == "resize"},
                                             std::move(below));
    };
    const int wide = 8 * width_;
    auto network = level(wide, wide, wide, Rank::innermost, false, nullptr);
    for (int i = 0; i < downs_ - 5; ++i) network = level(wide, wide, wide, Rank::middle, dropout_, network);
    for (int factor : {4, 2, 1})
      network = level(factor * width_, factor * width_, 2 * factor * width_, Rank::middle, false, network);
    network_ = register_module("model", level(taken(), out_, width_, Rank::outermost, false, network));
    if (palette_count_ > 0) palettes_ = register_buffer("palettes", torch::zeros({palette_count_, palette_channels}));
  }

  Tensor forward(const Tensor& input) override {
    const std::int64_t height = input.size(2), width = input.size(3);
    const Tensor padded = pad_to_multiple(input, std::int64_t{1} << downs_);
    return network_->forward(padded).slice(2, 0, height).slice(3, 0, width);
  }

  GeneratorInfo info() const override {
    return {.scale = 1,
            .in_channels = taken(),
            .out_channels = out_,
            .multiple = 1 << downs_,
            .halo = widest_reach(1 << downs_, [this](Reach out) { return back(out, 1); }),
            .global = norm_ == "instance",
            .live_values = 5 * width_,
            .value_range = 1,
            .value_low = -1,
            .palettes = palette_count_};
  }
  std::string architecture() const override { return "unet"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_}, {"out_channels", out_}, {"width", width_},       {"downs", downs_},
            {"norm", norm_},      {"dropout", dropout_},  {"upsample", upsample_}, {"palettes", palette_count_}};
  }
  Tensor palettes() const override { return palettes_; }

 private:
  /// Channels of the input: the picture's, and a palette's where there are some.
  int taken() const { return in_ + (palette_count_ > 0 ? palette_channels : 0); }
  static int count_of_palettes(const nlohmann::json& config) {
    return config.contains("palettes") && config["palettes"] != 0 ? positive(config, "palettes", 1) : 0;
  }
  /// What level `level` (1: the outermost) reads for these pixels of its result.
  Reach back(Reach out, int level) const {
    Reach below = upsample_ == "resize" ? through_resize_conv(out) : through_transposed(out, 4, 2, 1);
    if (level < downs_) below = back(below, level + 1);
    const Reach read = through_conv(below, 4, 2, 1);
    return level == 1 ? read : read | out;
  }

  int in_, out_, width_, downs_;
  std::string norm_;
  bool dropout_;
  std::string upsample_;
  int palette_count_;
  Tensor palettes_;
  std::shared_ptr<UNetLevelImpl> network_;
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("model.model.0.weight")) return std::nullopt;
  const bool transposed = weights.contains("model.model.3.weight");
  if (!transposed && !weights.contains("model.model.5.weight")) return std::nullopt;
  // The next level is third in the outermost sequence and fourth in all others.
  std::string level = "model.model.1.model.";
  int downs = 1;
  for (; weights.contains(level + "1.weight"); level += "3.model.") ++downs;
  const Tensor& first = conv_weight(weights, "model.model.0");
  const std::string norm = weights.contains("model.model.1.model.2.weight") ? "batch"
                           : weights.contains("model.model.0.bias")         ? "instance"
                                                                            : "none";
  const Tensor* kept = weights.find("palettes");
  if (kept && (kept->dim() != 2 || kept->size(0) < 1 || kept->size(1) != palette_channels)) return std::nullopt;
  const std::int64_t palettes = kept ? kept->size(0) : 0;
  return Detected{{{"in_channels", first.size(1) - (palettes > 0 ? palette_channels : 0)},
                   {"out_channels", transposed ? conv_weight(weights, "model.model.3").size(1)
                                               : conv_weight(weights, "model.model.5").size(0)},
                   {"width", first.size(0)},
                   {"downs", downs},
                   {"norm", norm},
                   {"upsample", transposed ? "transposed" : "resize"},
                   {"palettes", palettes},
                   {"dropout", true}},  // leaves no trace in the weights; pix2pix has it
                  norm == "instance" ? without_legacy_statistics(weights) : weights,
                  "pix2pix"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "unet",
          .summary = "U-Net translator (Isola et al. 2017)",
          .order = 61,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<UNetGenerator>(config); },
          .examples = {{{"width", 2}, {"downs", 5}},
                       {{"width", 2}, {"downs", 6}, {"norm", "instance"}, {"in_channels", 1}, {"out_channels", 3}},
                       {{"width", 2}, {"downs", 5}, {"norm", "none"}, {"dropout", false}},
                       {{"width", 2}, {"downs", 5}, {"upsample", "resize"}},
                       {{"width", 2}, {"downs", 5}, {"palettes", 3}}}};
}

}  // namespace ganvas::unet_generator_plugin
