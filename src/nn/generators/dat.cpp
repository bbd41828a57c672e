// DAT (Chen et al. 2023, "Dual aggregation transformer for image super-resolution"): attention in rectangular windows
// and attention between channels in turn, each with a convolution beside it that both weight each other.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/paths.hpp"
#include "nn/restoration_frame.hpp"
#include "nn/split_attention.hpp"

namespace ganvas::dat_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 60)),
        hidden(positive(config, "hidden", 2 * channels)),
        depths(numbers(config, "depths", {18})),
        heads(numbers(config, "heads", std::vector<int>(depths.size(), 6))),
        bias(truth(config, "qkv_bias", true)) {
    const std::vector<int> sides = numbers(config, "window", {8, 32});
    if (sides.size() != 2 || sides[0] > 64 || sides[1] > 64)
      fail(ErrorKind::recipe, "window: its height and width, at most 64, e.g. [8, 32]");
    window = {sides[0], sides[1]};
    if (heads.size() != depths.size())
      fail(ErrorKind::recipe, "heads: {} numbers for {} groups", heads.size(), depths.size());
    if (channels < 32 || channels % 2 != 0) fail(ErrorKind::recipe, "channels: {} is odd or below 32", channels);
  }
  int channels, hidden;
  std::vector<int> depths, heads;
  Window window;
  bool bias;
};

/// The convolution beside an attention, and how each weights the other (adaptive interaction module, section 3.3).
class Interaction {
 public:
  Interaction(nn::Module& owner, int channels) {
    const int few = std::max(1, channels / 8), fewer = std::max(1, channels / 16);
    conv_ = register_at(owner, "dwconv.0", make_depthwise(channels, 3));
    norm_ = register_at(owner, "dwconv.1", nn::BatchNorm2d(channels));
    const std::string channel = "channel_interaction.", spatial = "spatial_interaction.";
    channel1_ = register_at(owner, channel + "1", make_conv(channels, few, 1));
    channel_norm_ = register_at(owner, channel + "2", nn::BatchNorm2d(few));
    channel2_ = register_at(owner, channel + "4", make_conv(few, channels, 1));
    spatial1_ = register_at(owner, spatial + "0", make_conv(channels, fewer, 1));
    spatial_norm_ = register_at(owner, spatial + "1", nn::BatchNorm2d(fewer));
    spatial2_ = register_at(owner, spatial + "3", make_conv(fewer, 1, 1));
  }
  /// `attended` in windows: its channels are weighted by the convolution, the convolution's pixels by it; or the other
  /// way about where the attention was one of channels.
  Tensor forward(const Tensor& attended, const Tensor& values, bool of_channels) {
    const Tensor a = to_picture(attended);
    const Tensor c = torch::gelu(batch_norm_of(norm_, conv_->forward(to_picture(values))));
    const Tensor channels = torch::sigmoid(channel_map(of_channels ? a : c));
    const Tensor pixels = torch::sigmoid(spatial_map(of_channels ? c : a));
    return to_tokens(of_channels ? a * pixels + c * channels : a * channels + c * pixels);
  }

 private:
  Tensor channel_map(const Tensor& picture) {
    const Tensor means = channel1_->forward(picture.mean({2, 3}, /*keepdim=*/true));
    return channel2_->forward(torch::gelu(batch_norm_of(channel_norm_, means)));
  }
  Tensor spatial_map(const Tensor& picture) {
    return spatial2_->forward(torch::gelu(batch_norm_of(spatial_norm_, spatial1_->forward(picture))));
  }

  nn::Conv2d conv_{nullptr}, channel1_{nullptr}, channel2_{nullptr}, spatial1_{nullptr}, spatial2_{nullptr};
  nn::BatchNorm2d norm_{nullptr}, channel_norm_{nullptr}, spatial_norm_{nullptr};
};

class AttentionImpl final : public nn::Module {
 public:
  AttentionImpl(const Options& options, int heads, bool of_channels, bool first)
      : channels_(options.channels),
        heads_(heads),
        qkv_(register_module("qkv", make_linear(channels_, 3 * channels_, options.bias))),
        proj_(register_module("proj", make_linear(channels_, channels_))),
        interaction_(*this, channels_) {
    if (of_channels) check_heads(channels_, heads);
    if (of_channels) temperature_ = register_parameter("temperature", torch::ones({heads, 1, 1}));
    else windows_ = register_module("attns", SplitAttention(channels_, heads, options.window, first));
  }
  Tensor forward(const Tensor& tokens, bool shifted, const std::array<Tensor, 2>& masks) {
    const Tensor qkv = qkv_->forward(tokens);
    const Tensor attended = windows_ ? windows_->forward(qkv, shifted, masks)
                                     : channel_attention(qkv, temperature_, heads_, {0, 0}, /*grid=*/false);
    return proj_->forward(interaction_.forward(attended, qkv.narrow(3, 2 * channels_, channels_), !windows_));
  }

 private:
  int channels_, heads_;
  nn::Linear qkv_, proj_;
  Interaction interaction_;
  SplitAttention windows_{nullptr};
  Tensor temperature_;
};
TORCH_MODULE(Attention);

class BlockImpl final : public nn::Module {
 public:
  BlockImpl(const Options& options, int group, int block)
      : shifted_(block % 2 == 0 && is_shifted(group, block)),
        norm1_(register_module("norm1", make_token_norm(options.channels))),
        norm2_(register_module("norm2", make_token_norm(options.channels))),
        attention_(register_module("attn",
                                   Attention(options, options.heads[group], block % 2 == 1, group == 0 && block == 0))),
        ffn_(register_module("ffn", GatedFfn(options.channels, options.hidden))) {}
  Tensor forward(const Tensor& tokens, const std::array<Tensor, 2>& masks) {
    const Tensor x = tokens + attention_->forward(norm1_->forward(tokens), shifted_, masks);
    return x + ffn_->forward(norm2_->forward(x));
  }

 private:
  bool shifted_;
  nn::LayerNorm norm1_, norm2_;
  Attention attention_;
  GatedFfn ffn_;
};
TORCH_MODULE(Block);

using Group = BlockGroup<Block>;

class Dat final : public RestorationFrame {
 public:
  explicit Dat(const nlohmann::json& config) : Dat(config, Options(config)) {}
  std::string architecture() const override { return "dat"; }
  nlohmann::json config() const override {
    nlohmann::json config = RestorationFrame::config();
    config.update({{"hidden", options_.hidden},
                   {"depths", options_.depths},
                   {"heads", options_.heads},
                   {"window", {options_.window.height, options_.window.width}},
                   {"qkv_bias", options_.bias}});
    return config;
  }

 private:
  Dat(const nlohmann::json& config, const Options& options)
      : RestorationFrame(config, {.multiple = 1, .first_norm = "before_RG.1", .sight = Sight::whole}),
        options_(options),
        masks_(options.window) {
    check_options(config, {"hidden", "depths", "heads", "window", "qkv_bias"});
    for (std::size_t i = 0; i < options.depths.size(); ++i)
      groups_.push_back(add_group(std::make_shared<Group>(
          "blocks.", options.depths[i], [&](int block) { return Block(options, static_cast<int>(i), block); },
          residual_end(), channels())));
  }
  Tensor body(const Tensor& tokens) override { return through(groups_, tokens, masks_.get(tokens)); }
  int body_values() const override {
    const int most = *std::max_element(options_.heads.begin(), options_.heads.end());
    return std::max(9 * channels() + (most + 2) * options_.window.tokens(), 3 * channels() + 3 * options_.hidden);
  }

  Options options_;
  SplitMasks masks_;
  std::vector<std::shared_ptr<Group>> groups_;
};

std::optional<Detected> detect(const StateDict& stored) {
  const std::string block = "layers.0.blocks.0.";
  if (!stored.contains("before_RG.1.weight") || !stored.contains(block + "attn.attns.0.pos.pos_proj.weight") ||
      !stored.contains(block + "ffn.sg.norm.weight"))
    return std::nullopt;
  StateDict weights;
  const Window window = take_split_window(stored, weights);
  nlohmann::json config = read_restoration_frame(weights);
  config.update({{"hidden", size_of(weights, block + "ffn.fc1.weight", 2, 0)},
                 {"window", {window.height, window.width}},
                 {"qkv_bias", weights.contains(block + "attn.qkv.bias")}});
  config["depths"] = for_each_group(weights, "blocks.0.norm1.weight", [&](const std::string& group) {
    return count_layers(weights, group + "blocks.", ".norm1.weight");
  });
  config["heads"] = for_each_group(weights, "blocks.0.norm1.weight", [&](const std::string& group) {
    // Of an odd number the windows have half the next smaller one.
    const std::string between = group + "blocks.1.attn.temperature";
    if (weights.contains(between)) return size_of(weights, between, 3, 0);
    return 2 * size_of(weights, group + "blocks.0.attn.attns.0.pos.pos3.2.weight", 2, 0);
  });
  return Detected{config, std::move(weights), "DAT"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "dat",
          .summary = "DAT: attention in windows and between channels in turn (Chen et al. 2023)",
          .order = 75,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Dat>(config); },
          .examples = {{{"channels", 32},
                        {"window", {2, 4}},
                        {"depths", {3}},
                        {"heads", {2}},
                        {"hidden", 8},
                        {"features", 4},
                        {"scale", 2}},
                       {{"channels", 32},
                        {"window", {3, 3}},
                        {"depths", {1, 2}},
                        {"heads", {2, 4}},
                        {"hidden", 6},
                        {"scale", 3},
                        {"upsampler", "pixelshuffledirect"},
                        {"residual_end", "3conv"},
                        {"in_channels", 1}}}};
}

}  // namespace ganvas::dat_plugin
