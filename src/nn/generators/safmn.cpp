// SAFMN (Sun et al. 2023, "Spatially-adaptive feature modulation for efficient image super-resolution").
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

namespace ganvas::safmn_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// Chunks of the channels at ever lower resolutions modulate the features (section 3.1).
class ModulationImpl final : public nn::Module {
 public:
  ModulationImpl(int channels, int levels) : aggregate_(register_module("aggr", make_conv(channels, channels, 1))) {
    for (int i = 0; i < levels; ++i)
      convs_.push_back(register_at(*this, fmt::format("mfr.{}", i), make_depthwise(channels / levels, 3)));
  }
  Tensor forward(const Tensor& x) {
    const std::vector<Tensor> chunks = x.chunk(static_cast<std::int64_t>(convs_.size()), 1);
    std::vector<Tensor> parts;
    for (std::size_t k = 0; k < convs_.size(); ++k) {
      const std::int64_t side = std::int64_t{1} << k;
      if (k == 0) parts.push_back(convs_[k]->forward(chunks[k]));
      else parts.push_back(enlarge_nearest(convs_[k]->forward(torch::max_pool2d(chunks[k], side)), side));
    }
    return torch::gelu(aggregate_->forward(torch::cat(parts, 1))) * x;
  }

 private:
  std::vector<nn::Conv2d> convs_;
  nn::Conv2d aggregate_;
};
TORCH_MODULE(Modulation);

class BlockImpl final : public nn::Module {
 public:
  BlockImpl(int channels, int hidden, int levels)
      : norm1_(register_module("norm1", ChannelNorm(channels))),
        norm2_(register_module("norm2", ChannelNorm(channels))),
        modulation_(register_module("safm", Modulation(channels, levels))),
        wide_(register_at(*this, "ccm.ccm.0", make_conv(channels, hidden))),
        narrow_(register_at(*this, "ccm.ccm.2", make_conv(hidden, channels, 1))) {}
  Tensor forward(const Tensor& input) {
    const Tensor x = input + modulation_->forward(norm1_->forward(input));
    return x + narrow_->forward(torch::gelu(wide_->forward(norm2_->forward(x))));
  }

 private:
  ChannelNorm norm1_, norm2_;
  Modulation modulation_;
  nn::Conv2d wide_, narrow_;
};
TORCH_MODULE(Block);

class Safmn final : public Generator {
 public:
  explicit Safmn(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        channels_(positive(config, "channels", 36)),
        hidden_(positive(config, "hidden", 2 * channels_)),
        levels_(positive(config, "levels", 4)),
        scale_(positive(config, "scale", 4)) {
    check_keys(config, {"in_channels", "out_channels", "channels", "hidden", "levels", "blocks", "scale"});
    check_scale(scale_);
    if (levels_ > 8 || channels_ % levels_ != 0)
      fail(ErrorKind::recipe, "levels: {} channels don't divide into {} (at most 8)", channels_, levels_);
    first_ = register_module("to_feat", make_conv(in_, channels_));
    for (int i = 0; i < positive(config, "blocks", 8); ++i)
      blocks_.push_back(register_at(*this, fmt::format("feats.{}", i), Block(channels_, hidden_, levels_)));
    last_ = register_at(*this, "to_img.0", make_conv(channels_, out_ * scale_ * scale_));
  }
  Tensor forward(const Tensor& input) override {
    const Tensor features = input_conv(first_, pad_to_multiple(input, cell()));
    Tensor x = features;
    for (auto& block : blocks_) x = block->forward(x);
    return cut_to(torch::pixel_shuffle(output_conv(last_, x + features), scale_), input, scale_);
  }
  GeneratorInfo info() const override {
    const int halo = widest_reach(cell(), [this](Reach out) {
      const auto conv = [](Reach r) { return Reach{r.first - 1, r.last + 1}; };
      Reach read = conv(out);
      for (std::size_t i = 0; i < blocks_.size(); ++i) {
        read = conv(read);
        const int first = divided_down(read.first, cell()) - 1, last = divided_down(read.last, cell()) + 1;
        read = {first * cell(), last * cell() + cell() - 1};
      }
      return conv(read);
    });
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = out_,
            .multiple = cell(),
            .halo = halo,
            .live_values = std::max(3 * channels_ + 2 * hidden_, 3 * out_ * scale_ * scale_)};
  }
  std::string architecture() const override { return "safmn"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_}, {"out_channels", out_},     {"channels", channels_}, {"hidden", hidden_},
            {"levels", levels_},  {"blocks", blocks_.size()}, {"scale", scale_}};
  }
  void soften_pixel_shuffles() override { repeat_for_pixel_shuffle(last_->weight, scale_); }

 private:
  /// Side of what the lowest resolution sees as one pixel.
  int cell() const { return 1 << (levels_ - 1); }

  int in_, out_, channels_, hidden_, levels_, scale_;
  nn::Conv2d first_{nullptr}, last_{nullptr};
  std::vector<Block> blocks_;
};

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("to_feat.weight") || !weights.contains("feats.0.safm.mfr.0.weight") ||
      !weights.contains("feats.0.norm1.weight"))
    return std::nullopt;
  const int in = size_of(weights, "to_feat.weight", 4, 1);
  const ShuffledOutput output = split_planes(size_of(weights, "to_img.0.weight", 4, 0), in);
  return Detected{{{"in_channels", in},
                   {"out_channels", output.channels},
                   {"channels", size_of(weights, "to_feat.weight", 4, 0)},
                   {"hidden", size_of(weights, "feats.0.ccm.ccm.0.weight", 4, 0)},
                   {"levels", count_layers(weights, "feats.0.safm.mfr.", ".weight")},
                   {"blocks", count_layers(weights, "feats.", ".norm1.weight")},
                   {"scale", output.scale}},
                  weights,
                  "SAFMN"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "safmn",
          .summary = "SAFMN: features modulated by themselves at lower resolutions (Sun et al. 2023)",
          .order = 31,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Safmn>(config); },
          .examples = {{{"channels", 8}, {"blocks", 1}, {"scale", 4}},
                       {{"channels", 4}, {"blocks", 2}, {"levels", 2}, {"scale", 2}, {"in_channels", 1}}}};
}

}  // namespace ganvas::safmn_plugin
