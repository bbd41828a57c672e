// OmniSR (Wang et al. 2023, "Omni aggregation networks for lightweight image super-resolution"): attention in blocks of
// pixels, in grids of pixels over the whole picture, and between channels of both.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/mixed.hpp"
#include "nn/paths.hpp"
#include "nn/windows.hpp"

namespace ganvas::omnisr_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int heads = 4;           // not stored in files
constexpr int smallest_side = 15;  // of what the spatial attention can reduce

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 64)),
        window(positive(config, "window", 8)),
        groups(positive(config, "groups", 5)),
        blocks(positive(config, "blocks", 1)),
        hidden(positive(config, "hidden", channels)),
        position_bias(truth(config, "position_bias", true)) {
    if (window > 64) fail(ErrorKind::recipe, "window: {} is more than 64", window);
    if (channels % heads != 0) fail(ErrorKind::recipe, "channels: {} don't divide into {} heads", channels, heads);
  }
  int channels, window, groups, blocks, hidden;
  bool position_bias;
};

/// Which tokens attend to one another.
enum class Axes { block, grid };

/// An inverted bottleneck with a gate of the channels (layer 0).
class LocalConvImpl final : public nn::Module {
 public:
  explicit LocalConvImpl(const Options& options)
      : wide_(register_at(*this, "fn.0", make_conv(options.channels, options.hidden, 1))),
        depthwise_(register_at(*this, "fn.2", make_depthwise(options.hidden, 3))),
        squeeze_(register_at(*this, "fn.4.gate.1",
                             make_linear(options.hidden, std::max(1, options.hidden / 4), /*bias=*/false))),
        excite_(register_at(*this, "fn.4.gate.3",
                            make_linear(std::max(1, options.hidden / 4), options.hidden, /*bias=*/false))),
        narrow_(register_at(*this, "fn.5", make_conv(options.hidden, options.channels, 1))) {}
  Tensor forward(const Tensor& x) {
    const Tensor y = torch::gelu(depthwise_->forward(torch::gelu(wide_->forward(x))));
    const Tensor means = to_tokens(y.mean({2, 3}, /*keepdim=*/true));
    const Tensor gate = torch::sigmoid(excite_->forward(torch::silu(squeeze_->forward(means))));
    return x + narrow_->forward(y * to_picture(gate));
  }

 private:
  nn::Conv2d wide_, depthwise_;
  nn::Linear squeeze_, excite_;
  nn::Conv2d narrow_;
};
TORCH_MODULE(LocalConv);

/// Between pixels (layers 2 and 8).
class PixelAttentionImpl final : public nn::Module {
 public:
  PixelAttentionImpl(const Options& options, Axes axes)
      : shape_{.heads = heads,
               .scale = 1.0 / std::sqrt(static_cast<double>(options.channels / heads)),
               .window = {options.window, options.window},
               .grid = axes == Axes::grid},
        norm_(register_module("norm", make_token_norm(options.channels))),
        qkv_(register_at(*this, "fn.to_qkv", make_linear(options.channels, 3 * options.channels, false))),
        out_(register_at(*this, "fn.to_out.0", make_linear(options.channels, options.channels, false))) {
    if (!options.position_bias) return;
    const int side = 2 * options.window - 1;
    table_ = module_at(*this, "fn.rel_pos_bias").register_parameter("weight", make_bias_table(side * side, heads));
    indices_ = relative_positions(shape_.window);
  }
  Tensor forward(const Tensor& x) {
    const Tensor bias = table_.defined() ? bias_of(table_, indices_, shape_.window.tokens()) : Tensor();
    const Tensor qkv = qkv_->forward(norm_->forward(to_tokens(x)));
    return x + to_picture(out_->forward(window_attention(qkv, bias, Tensor(), shape_)));
  }

 private:
  AttentionShape shape_;
  nn::LayerNorm norm_;
  nn::Linear qkv_, out_;
  Tensor table_, indices_;
};
TORCH_MODULE(PixelAttention);

/// Between channels: over the pixels of a window, or for each place inside a window over all windows (layers 5, 11).
class ChannelMixImpl final : public nn::Module {
 public:
  ChannelMixImpl(const Options& options, Axes axes)
      : axes_(axes),
        window_(options.window),
        norm_(register_module("norm", ChannelNorm(options.channels))),
        qkv_(register_at(*this, "fn.qkv", make_conv(options.channels, 3 * options.channels, 1, false))),
        depthwise_(register_at(*this, "fn.qkv_dwconv", make_depthwise(3 * options.channels, 3, false))),
        out_(register_at(*this, "fn.project_out", make_conv(options.channels, options.channels, 1, false))) {
    temperature_ = module_at(*this, "fn").register_parameter("temperature", torch::ones({heads, 1, 1}));
  }
  Tensor forward(const Tensor& x) {
    const Tensor qkv = to_tokens(depthwise_->forward(qkv_->forward(norm_->forward(x))));
    const Tensor y = channel_attention(qkv, temperature_, heads, {window_, window_}, axes_ == Axes::grid);
    return x + out_->forward(to_picture(y));
  }

 private:
  Axes axes_;
  int window_;
  ChannelNorm norm_;
  nn::Conv2d qkv_, depthwise_, out_;
  Tensor temperature_;
};
TORCH_MODULE(ChannelMix);

class GatedConvImpl final : public nn::Module {
 public:
  explicit GatedConvImpl(int channels)
      : channels_(channels),
        norm_(register_module("norm", ChannelNorm(channels))),
        in_(register_at(*this, "fn.project_in", make_conv(channels, 2 * channels, 1, false))),
        depthwise_(register_at(*this, "fn.dwconv", make_depthwise(2 * channels, 3, false))),
        out_(register_at(*this, "fn.project_out", make_conv(channels, channels, 1, false))) {}
  Tensor forward(const Tensor& x) {
    const Tensor y = depthwise_->forward(in_->forward(norm_->forward(x)));
    return x + out_->forward(torch::gelu(y.narrow(1, 0, channels_)) * y.narrow(1, channels_, channels_));
  }

 private:
  int channels_;
  ChannelNorm norm_;
  nn::Conv2d in_, depthwise_, out_;
};
TORCH_MODULE(GatedConv);

/// One round of all kinds of attention. The published sequence counts its rearrangements as layers too.
class BlockImpl final : public nn::Module {
 public:
  explicit BlockImpl(const Options& options)
      : conv_(register_at(*this, "layer.0", LocalConv(options))),
        block_pixels_(register_at(*this, "layer.2", PixelAttention(options, Axes::block))),
        block_channels_(register_at(*this, "layer.5", ChannelMix(options, Axes::block))),
        grid_pixels_(register_at(*this, "layer.8", PixelAttention(options, Axes::grid))),
        grid_channels_(register_at(*this, "layer.11", ChannelMix(options, Axes::grid))) {
    for (const int at : {4, 6, 10, 12})
      gated_.push_back(register_at(*this, fmt::format("layer.{}", at), GatedConv(options.channels)));
  }
  Tensor forward(const Tensor& x) {
    const Tensor in_blocks = gated_[0]->forward(block_pixels_->forward(conv_->forward(x)));
    const Tensor in_grid = grid_pixels_->forward(gated_[1]->forward(block_channels_->forward(in_blocks)));
    return gated_[3]->forward(grid_channels_->forward(gated_[2]->forward(in_grid)));
  }

 private:
  LocalConv conv_;
  PixelAttention block_pixels_;
  ChannelMix block_channels_;
  PixelAttention grid_pixels_;
  ChannelMix grid_channels_;
  std::vector<GatedConv> gated_;
};
TORCH_MODULE(Block);

/// A weight for every value from a much smaller picture (ESA of Liu et al. 2020).
class SpatialAttentionImpl final : public nn::Module {
 public:
  SpatialAttentionImpl(int channels, int few)
      : conv1_(register_module("conv1", make_conv(channels, few, 1))),
        direct_(register_module("conv_f", make_conv(few, few, 1))),
        conv2_(register_module("conv2", make_conv(nn::Conv2dOptions(few, few, 3).stride(2)))),
        conv3_(register_module("conv3", make_conv(few, few))),
        conv4_(register_module("conv4", make_conv(few, channels, 1))) {}
  Tensor forward(const Tensor& x) {
    const Tensor c = conv1_->forward(x);
    const Tensor small = conv3_->forward(torch::max_pool2d(conv2_->forward(c), 7, 3));
    return x * torch::sigmoid(conv4_->forward(bilinear_like(small, c) + direct_->forward(c)));
  }

 private:
  nn::Conv2d conv1_, direct_, conv2_, conv3_, conv4_;
};
TORCH_MODULE(SpatialAttention);

class GroupImpl final : public nn::Module {
 public:
  explicit GroupImpl(const Options& options)
      : last_(nullptr),
        attention_(register_module("esa", SpatialAttention(options.channels, std::max(options.channels / 4, 16)))) {
    for (int i = 0; i < options.blocks; ++i)
      blocks_.push_back(register_at(*this, fmt::format("residual_layer.{}", i), Block(options)));
    last_ = register_at(*this, fmt::format("residual_layer.{}", options.blocks),
                        make_conv(options.channels, options.channels, 1));
  }
  Tensor forward(const Tensor& x) {
    Tensor y = x;
    for (auto& block : blocks_) y = block->forward(y);
    return attention_->forward(last_->forward(y) + x);
  }

 private:
  std::vector<Block> blocks_;
  nn::Conv2d last_;
  SpatialAttention attention_;
};
TORCH_MODULE(Group);

class OmniSr final : public Generator {
 public:
  explicit OmniSr(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        scale_(positive(config, "scale", 4)),
        options_(config) {
    check_keys(config, {"in_channels", "out_channels", "channels", "window", "groups", "blocks", "hidden",
                        "position_bias", "scale"});
    check_scale(scale_);
    for (int i = 0; i < options_.groups; ++i)
      groups_.push_back(register_at(*this, fmt::format("residual_layer.{}", i), Group(options_)));
    first_ = register_module("input", make_conv(in_, options_.channels));
    after_ = register_module("output", make_conv(options_.channels, options_.channels));
    last_ = register_at(*this, "up.0", make_conv(options_.channels, out_ * scale_ * scale_));
  }

  Tensor forward(const Tensor& input) override {
    const Tensor padded = surround(input, 0, options_.window, smallest_side, "zero");
    const Tensor features = input_conv(first_, padded);
    Tensor x = features;
    for (auto& group : groups_) x = group->forward(x);
    return cut_to(torch::pixel_shuffle(output_conv(last_, after_->forward(x) + features), scale_), input, scale_);
  }

  GeneratorInfo info() const override {
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = out_,
            .multiple = options_.window,
            .halo = 0,
            .global = true,
            .live_values = std::max(10 * options_.channels + 2 * heads * options_.window * options_.window,
                                    2 * out_ * scale_ * scale_)};
  }
  std::string architecture() const override { return "omnisr"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_},
            {"out_channels", out_},
            {"channels", options_.channels},
            {"window", options_.window},
            {"groups", options_.groups},
            {"blocks", options_.blocks},
            {"hidden", options_.hidden},
            {"position_bias", options_.position_bias},
            {"scale", scale_}};
  }
  void soften_pixel_shuffles() override { repeat_for_pixel_shuffle(last_->weight, scale_); }

 private:
  int in_, out_, scale_;
  Options options_;
  std::vector<Group> groups_;
  nn::Conv2d first_{nullptr}, after_{nullptr}, last_{nullptr};
};

std::optional<Detected> detect(const StateDict& stored) {
  const std::string group = "residual_layer.0.residual_layer.", block = group + "0.layer.";
  if (!stored.contains(block + "0.fn.0.weight") || !stored.contains("input.weight") || !stored.contains("up.0.weight"))
    return std::nullopt;
  StateDict weights = without_recomputed(stored);
  const int in = size_of(weights, "input.weight", 4, 1);
  const ShuffledOutput output = split_planes(size_of(weights, "up.0.weight", 4, 0), in);
  const std::string table = block + "2.fn.rel_pos_bias.weight";
  const bool position_bias = weights.contains(table);
  return Detected{{{"in_channels", in},
                   {"out_channels", output.channels},
                   {"channels", size_of(weights, "input.weight", 4, 0)},
                   {"window", position_bias ? window_of_table(size_of(weights, table, 2, 0)) : 8},
                   {"groups", count_layers(weights, "residual_layer.", ".residual_layer.0.layer.0.fn.0.weight")},
                   {"blocks", count_layers(weights, group, ".layer.0.fn.0.weight")},
                   {"hidden", size_of(weights, block + "0.fn.0.weight", 4, 0)},
                   {"position_bias", position_bias},
                   {"scale", output.scale}},
                  std::move(weights),
                  "OmniSR"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "omnisr",
          .summary = "OmniSR: attention in blocks, grids and between channels (Wang et al. 2023)",
          .order = 76,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<OmniSr>(config); },
          .examples = {{{"channels", 8}, {"window", 4}, {"groups", 1}, {"scale", 4}},
                       {{"channels", 4}, {"window", 3}, {"groups", 2}, {"scale", 2}, {"in_channels", 1}}}};
}

}  // namespace ganvas::omnisr_plugin
