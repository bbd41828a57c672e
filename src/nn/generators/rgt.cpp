// RGT (Chen et al. 2024, "Recursive generalization transformer for image super-resolution"): attention in rectangular
// windows, in turn with attention of all pixels to a few that summarise the whole picture.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/paths.hpp"
#include "nn/restoration_frame.hpp"
#include "nn/split_attention.hpp"

namespace ganvas::rgt_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int smallest = 16;  // two reductions by four

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 60)),
        hidden(positive(config, "hidden", 2 * channels)),
        reduced(positive(config, "reduced", std::max(1, channels / 2))),
        depths(numbers(config, "depths", {6, 6, 6, 6, 6, 6})),
        heads(numbers(config, "heads", std::vector<int>(depths.size(), 6))),
        bias(truth(config, "qkv_bias", true)) {
    const std::vector<int> sides = numbers(config, "window", {8, 32});
    if (sides.size() != 2 || sides[0] > 64 || sides[1] > 64)
      fail(ErrorKind::recipe, "window: its height and width, at most 64, e.g. [8, 32]");
    window = {sides[0], sides[1]};
    if (heads.size() != depths.size())
      fail(ErrorKind::recipe, "heads: {} numbers for {} groups", heads.size(), depths.size());
    for (const int count : heads) {
      check_heads(reduced, count);
      check_heads(channels, count);
    }
    if (channels < 32 || channels % 2 != 0) fail(ErrorKind::recipe, "channels: {} is odd or below 32", channels);
  }
  int channels, hidden, reduced;
  std::vector<int> depths, heads;
  Window window;
  bool bias;
};

/// In windows, with a convolution of the values beside.
class LocalAttentionImpl final : public nn::Module {
 public:
  LocalAttentionImpl(const Options& options, int heads, bool first)
      : channels_(options.channels),
        qkv_(register_module("qkv", make_linear(channels_, 3 * channels_, options.bias))),
        proj_(register_module("proj", make_linear(channels_, channels_))),
        windows_(register_module("attns", SplitAttention(channels_, heads, options.window, first))),
        values_(register_module("get_v", make_depthwise(channels_, 3))) {}
  Tensor forward(const Tensor& tokens, bool shifted, const std::array<Tensor, 2>& masks) {
    const Tensor qkv = qkv_->forward(tokens);
    const Tensor beside = conv_tokens(values_, qkv.narrow(3, 2 * channels_, channels_));
    return proj_->forward(windows_->forward(qkv, shifted, masks) + beside);
  }

 private:
  int channels_;
  nn::Linear qkv_, proj_;
  SplitAttention windows_;
  nn::Conv2d values_;
};
TORCH_MODULE(LocalAttention);

/// How often a picture is reduced by four: twice, more often from 1024 pixels on, and never to nothing.
int reductions(std::int64_t height, std::int64_t width) {
  int times = 2;
  while ((std::int64_t{16} << (2 * (times + 1))) <= std::max(height, width)) ++times;
  while (times > 1 && (std::int64_t{1} << (2 * times)) > std::min(height, width)) --times;
  return times;
}

/// To a summary of the picture (recursive generalization self-attention, section 3.2).
class GlobalAttentionImpl final : public nn::Module {
 public:
  GlobalAttentionImpl(const Options& options, int heads)
      : heads_(heads),
        scale_(1.0 / std::sqrt(static_cast<double>(options.reduced / heads))),
        reduce_(register_module(
            "reduction1",
            make_conv(nn::Conv2dOptions(options.channels, options.channels, 4).stride(4).groups(options.channels)))),
        depthwise_(register_module("dwconv", make_depthwise(options.channels, 3))),
        narrow_(register_module("conv", make_conv(options.channels, options.reduced, 1))),
        norm_(register_at(*this, "norm_act.0", make_token_norm(options.reduced))),
        q_(register_module("q", make_linear(options.channels, options.reduced, options.bias))),
        k_(register_module("k", make_linear(options.reduced, options.reduced, options.bias))),
        v_(register_module("v", make_linear(options.reduced, options.channels, options.bias))),
        position_(register_module("cpe", make_depthwise(options.channels, 3))),
        proj_(register_module("proj", make_linear(options.channels, options.channels))) {}
  Tensor forward(const Tensor& tokens) {
    const std::int64_t n = tokens.size(0), height = tokens.size(1), width = tokens.size(2), c = tokens.size(3);
    Tensor summary = to_picture(tokens);
    for (int i = reductions(height, width); i > 0; --i) summary = reduce_->forward(summary);
    summary = torch::gelu(norm_->forward(to_tokens(narrow_->forward(depthwise_->forward(summary)))));
    Tensor values = v_->forward(summary);
    values = (values + conv_tokens(position_, values)).reshape({n, -1, c});
    const Tensor q = split_heads(q_->forward(tokens.reshape({n, height * width, c})), 1, heads_)[0] * scale_;
    const Tensor k = split_heads(k_->forward(summary).reshape({n, values.size(1), -1}), 1, heads_)[0];
    const Tensor v = split_heads(values, 1, heads_)[0];
    return proj_->forward(join_heads(attend(q, k, v, Tensor(), Tensor()))).reshape({n, height, width, c});
  }

 private:
  int heads_;
  double scale_;
  nn::Conv2d reduce_, depthwise_, narrow_;
  nn::LayerNorm norm_;
  nn::Linear q_, k_, v_;
  nn::Conv2d position_;
  nn::Linear proj_;
};
TORCH_MODULE(GlobalAttention);

class BlockImpl final : public nn::Module {
 public:
  BlockImpl(const Options& options, int group, int block)
      : shifted_(block % 2 == 0 && is_shifted(group, block)),
        gamma_(register_parameter("gamma", torch::ones({options.channels}))),
        norm1_(register_module("norm1", make_token_norm(options.channels))),
        norm2_(register_module("norm2", make_token_norm(options.channels))),
        mlp_(register_module("mlp", GatedFfn(options.channels, options.hidden))) {
    const int heads = options.heads[group];
    if (block % 2 == 0) local_ = register_module("attn", LocalAttention(options, heads, group == 0 && block == 0));
    else global_ = register_module("attn", GlobalAttention(options, heads));
  }
  Tensor forward(const Tensor& tokens, const std::array<Tensor, 2>& masks) {
    const Tensor y = norm1_->forward(tokens);
    Tensor x = tokens + (local_ ? local_->forward(y, shifted_, masks) : global_->forward(y));
    x = x + mlp_->forward(norm2_->forward(x));
    return x + tokens * gamma_;
  }

 private:
  bool shifted_;
  Tensor gamma_;
  nn::LayerNorm norm1_, norm2_;
  GatedFfn mlp_;
  LocalAttention local_{nullptr};
  GlobalAttention global_{nullptr};
};
TORCH_MODULE(Block);

using Group = BlockGroup<Block>;

class Rgt final : public RestorationFrame {
 public:
  explicit Rgt(const nlohmann::json& config) : Rgt(config, Options(config)) {}
  std::string architecture() const override { return "rgt"; }
  nlohmann::json config() const override {
    nlohmann::json config = RestorationFrame::config();
    config.update({{"hidden", options_.hidden},
                   {"reduced", options_.reduced},
                   {"depths", options_.depths},
                   {"heads", options_.heads},
                   {"window", {options_.window.height, options_.window.width}},
                   {"qkv_bias", options_.bias}});
    return config;
  }

 private:
  Rgt(const nlohmann::json& config, const Options& options)
      : RestorationFrame(config,
                         {.multiple = 1, .smallest = smallest, .first_norm = "before_RG.1", .sight = Sight::whole}),
        options_(options),
        masks_(options.window) {
    check_options(config, {"hidden", "reduced", "depths", "heads", "window", "qkv_bias"});
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
  if (!stored.contains(block + "gamma") || !stored.contains(block + "attn.attns.0.pos.pos_proj.weight"))
    return std::nullopt;
  StateDict weights;
  const Window window = take_split_window(stored, weights);
  nlohmann::json config = read_restoration_frame(weights);
  config.update({{"hidden", size_of(weights, block + "mlp.fc1.weight", 2, 0)},
                 {"reduced", weights.contains("layers.0.blocks.1.gamma")
                                 ? size_of(weights, "layers.0.blocks.1.attn.conv.weight", 4, 0)
                                 : std::max(1, config["channels"].get<int>() / 2)},
                 {"window", {window.height, window.width}},
                 {"qkv_bias", weights.contains(block + "attn.qkv.bias")}});
  config["depths"] = for_each_group(weights, "blocks.0.norm1.weight", [&](const std::string& group) {
    return count_layers(weights, group + "blocks.", ".norm1.weight");
  });
  const int channels = config["channels"].get<int>();
  config["heads"] = for_each_group(weights, "blocks.0.norm1.weight", [&](const std::string& group) {
    // Half of them, rounded down; the channels tell which.
    const int half = size_of(weights, group + "blocks.0.attn.attns.0.pos.pos3.2.weight", 2, 0);
    return channels % (2 * half) == 0 ? 2 * half : 2 * half + 1;
  });
  return Detected{config, std::move(weights), "RGT"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "rgt",
          .summary = "RGT: attention in windows and to a summary of the picture (Chen et al. 2024)",
          .order = 74,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Rgt>(config); },
          .examples = {{{"channels", 32},
                        {"window", {2, 4}},
                        {"depths", {3}},
                        {"heads", {2}},
                        {"hidden", 8},
                        {"reduced", 6},
                        {"features", 4},
                        {"scale", 2}}}};
}

}  // namespace ganvas::rgt_plugin
