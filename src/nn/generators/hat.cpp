// HAT (Chen et al. 2023, "Activating more pixels in image super-resolution transformer"): Swin blocks with a
// convolutional channel attention beside, and in each group an attention to overlapping windows.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/paths.hpp"
#include "nn/restoration_frame.hpp"
#include "nn/windows.hpp"

namespace ganvas::hat_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr double convolution_share = 0.01;  // not stored in files

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 60)),
        window(positive(config, "window", 16)),
        overlap(positive(config, "overlap_window", window + window / 2)),
        hidden(positive(config, "hidden", 2 * channels)),
        compressed(positive(config, "compressed", std::max(1, channels / 3))),
        squeezed(positive(config, "squeezed", std::max(1, channels / 30))),
        depths(numbers(config, "depths", {6, 6, 6, 6, 6, 6})),
        heads(numbers(config, "heads", std::vector<int>(depths.size(), 6))),
        bias(truth(config, "qkv_bias", true)) {
    if (window > 64 || overlap > 128) fail(ErrorKind::recipe, "window: {} is more than 64", window);
    if (overlap < window || (overlap - window) % 2 != 0)
      fail(ErrorKind::recipe, "overlap_window: {} doesn't surround windows of {} evenly", overlap, window);
    if (heads.size() != depths.size())
      fail(ErrorKind::recipe, "heads: {} numbers for {} groups", heads.size(), depths.size());
  }
  int channels, window, overlap, hidden, compressed, squeezed;
  std::vector<int> depths, heads;
  bool bias;
};

class BlockImpl final : public nn::Module {
 public:
  BlockImpl(const Options& options, int heads, int shift)
      : shift_(shift),
        norm1_(register_module("norm1", make_token_norm(options.channels))),
        norm2_(register_module("norm2", make_token_norm(options.channels))),
        attention_(nullptr),
        compress_(register_at(*this, "conv_block.cab.0", make_conv(options.channels, options.compressed))),
        expand_(register_at(*this, "conv_block.cab.2", make_conv(options.compressed, options.channels))),
        channel_attention_(
            register_at(*this, "conv_block.cab.3", ChannelAttention(options.channels, options.squeezed))),
        mlp_(register_module("mlp", Mlp(options.channels, options.hidden))) {
    check_heads(options.channels, heads);
    attention_ = register_module("attn", WindowAttention(options.channels, options.window, heads, options.bias));
  }
  Tensor forward(const Tensor& tokens, const Tensor& mask) {
    const Tensor normed = norm1_->forward(tokens);
    const Tensor local =
        to_tokens(channel_attention_->forward(expand_->forward(torch::gelu(compress_->forward(to_picture(normed))))));
    const Tensor x = torch::add(tokens + attention_->forward(normed, shift_, mask), local, convolution_share);
    return x + mlp_->forward(norm2_->forward(x));
  }

 private:
  int shift_;
  nn::LayerNorm norm1_, norm2_;
  WindowAttention attention_;
  nn::Conv2d compress_, expand_;
  ChannelAttention channel_attention_;
  Mlp mlp_;
};
TORCH_MODULE(Block);

/// For each query of a window and each key of the larger window around it, the row of the table. Published code has
/// negative rows here, which count from the table's end.
Tensor overlap_positions(int window, int overlap) {
  const auto [query_rows, query_columns] = places({window, window});
  const auto [key_rows, key_columns] = places({overlap, overlap});
  const int start = window - overlap + 1, side = window + overlap - 1;
  const Tensor rows = key_rows.unsqueeze(0) - query_rows.unsqueeze(1) + start;
  const Tensor columns = key_columns.unsqueeze(0) - query_columns.unsqueeze(1) + start;
  const Tensor index = (rows * side + columns).flatten();
  return torch::where(index < 0, index + side * side, index);
}

/// Queries of a window to keys of the larger window around it (section 3.3).
class OverlapAttentionImpl final : public nn::Module {
 public:
  OverlapAttentionImpl(const Options& options, int heads)
      : options_(options),
        heads_(heads),
        norm1_(register_module("norm1", make_token_norm(options.channels))),
        norm2_(register_module("norm2", make_token_norm(options.channels))),
        qkv_(register_module("qkv", make_linear(options.channels, 3 * options.channels, options.bias))),
        proj_(register_module("proj", make_linear(options.channels, options.channels))),
        mlp_(register_module("mlp", Mlp(options.channels, options.hidden))) {
    const int side = options.window + options.overlap - 1;
    table_ = register_parameter("relative_position_bias_table", make_bias_table(side * side, heads));
    indices_ = overlap_positions(options.window, options.overlap);
  }
  Tensor forward(const Tensor& tokens) {
    const AttentionShape shape{.heads = heads_,
                               .scale = 1.0 / std::sqrt(static_cast<double>(options_.channels / heads_)),
                               .window = {options_.window, options_.window},
                               .border = (options_.overlap - options_.window) / 2};
    const Tensor y = window_attention(qkv_->forward(norm1_->forward(tokens)),
                                      bias_of(table_, indices_, shape.window.tokens()), Tensor(), shape);
    const Tensor x = tokens + proj_->forward(y);
    return x + mlp_->forward(norm2_->forward(x));
  }

 private:
  Options options_;
  int heads_;
  nn::LayerNorm norm1_, norm2_;
  nn::Linear qkv_, proj_;
  Mlp mlp_;
  Tensor table_, indices_;
};
TORCH_MODULE(OverlapAttention);

class GroupImpl final : public nn::Module {
 public:
  GroupImpl(const Options& options, std::size_t index, const std::string& end) {
    for (int i = 0; i < options.depths[index]; ++i)
      blocks_.push_back(register_at(*this, fmt::format("residual_group.blocks.{}", i),
                                    Block(options, options.heads[index], i % 2 == 1 ? options.window / 2 : 0)));
    overlap_ = register_at(*this, "residual_group.overlap_attn", OverlapAttention(options, options.heads[index]));
    end_ = ResidualEnd(*this, "conv", end, options.channels);
  }
  Tensor forward(const Tensor& tokens, const Tensor& mask) {
    Tensor y = tokens;
    for (auto& block : blocks_) y = block->forward(y, mask);
    return tokens + end_.forward_tokens(overlap_->forward(y));
  }

 private:
  std::vector<Block> blocks_;
  OverlapAttention overlap_{nullptr};
  ResidualEnd end_;
};
TORCH_MODULE(Group);

class Hat final : public RestorationFrame {
 public:
  explicit Hat(const nlohmann::json& config) : Hat(config, Options(config)) {}
  std::string architecture() const override { return "hat"; }
  nlohmann::json config() const override {
    nlohmann::json config = RestorationFrame::config();
    config.update({{"window", options_.window},
                   {"overlap_window", options_.overlap},
                   {"hidden", options_.hidden},
                   {"compressed", options_.compressed},
                   {"squeezed", options_.squeezed},
                   {"depths", options_.depths},
                   {"heads", options_.heads},
                   {"qkv_bias", options_.bias}});
    return config;
  }

 private:
  Hat(const nlohmann::json& config, const Options& options)
      : RestorationFrame(config, {.multiple = options.window, .sight = Sight::means}),
        options_(options),
        masks_({options.window, options.window}, {options.window / 2, options.window / 2}) {
    check_options(config,
                  {"window", "overlap_window", "hidden", "compressed", "squeezed", "depths", "heads", "qkv_bias"});
    for (std::size_t i = 0; i < options.depths.size(); ++i)
      groups_.push_back(add_group(Group(options, i, residual_end())));
  }

  Tensor body(const Tensor& tokens) override { return through(groups_, tokens, masks_.get(tokens)); }
  /// Without the means of the channel attention.
  Reach body_reach(Reach out) const override {
    const int window = options_.window, border = (options_.overlap - window) / 2;
    for (auto depth = options_.depths.rbegin(); depth != options_.depths.rend(); ++depth) {
      out = through_window({out.first - 1, out.last + 1}, window, 0);
      out = {out.first - border, out.last + border};
      for (int i = *depth - 1; i >= 0; --i) out = through_window(out, window, i % 2 == 1 ? window / 2 : 0);
    }
    return out;
  }
  int body_values() const override {
    const int most = *std::max_element(options_.heads.begin(), options_.heads.end());
    const int keys = options_.overlap * options_.overlap, around = keys / (options_.window * options_.window) + 1;
    return (6 + 4 * around) * channels() + 2 * most * keys;
  }

  Options options_;
  MaskCache masks_;
  std::vector<Group> groups_;
};

std::optional<Detected> detect(const StateDict& stored) {
  const std::string group = "layers.0.residual_group.", block = group + "blocks.0.";
  const std::string table = "relative_position_bias_table";
  if (!stored.contains(group + "overlap_attn.qkv.weight") || !stored.contains(block + "conv_block.cab.0.weight"))
    return std::nullopt;
  StateDict weights = without_recomputed(stored);
  nlohmann::json config = read_restoration_frame(weights);
  const int window = window_of_table(size_of(weights, block + "attn." + table, 2, 0));
  const auto side = whole_root(size_of(weights, group + "overlap_attn." + table, 2, 0));
  if (!side || *side < 2 * window - 1) fail(ErrorKind::model, "no overlapping window has such a table of positions");
  config.update({{"window", window},
                 {"overlap_window", *side + 1 - window},
                 {"hidden", size_of(weights, block + "mlp.fc1.weight", 2, 0)},
                 {"compressed", size_of(weights, block + "conv_block.cab.0.weight", 4, 0)},
                 {"squeezed", size_of(weights, block + "conv_block.cab.3.attention.1.weight", 4, 0)},
                 {"qkv_bias", weights.contains(block + "attn.qkv.bias")}});
  config["depths"] = for_each_group(weights, "residual_group.blocks.0.norm1.weight", [&](const std::string& layer) {
    return count_layers(weights, layer + "residual_group.blocks.", ".norm1.weight");
  });
  config["heads"] = for_each_group(weights, "residual_group.blocks.0.norm1.weight", [&](const std::string& layer) {
    return size_of(weights, layer + "residual_group.blocks.0.attn." + table, 2, 1);
  });
  return Detected{config, std::move(weights), "HAT"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "hat",
          .summary = "HAT: window and channel attention, overlapping windows (Chen et al. 2023)",
          .order = 72,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Hat>(config); },
          .examples = {{{"channels", 4}, {"window", 4}, {"depths", {2}}, {"heads", {2}}, {"features", 4}, {"scale", 2}},
                       {{"channels", 6},
                        {"window", 2},
                        {"overlap_window", 4},
                        {"depths", {1, 2}},
                        {"heads", {1, 3}},
                        {"features", 3},
                        {"scale", 3},
                        {"residual_end", "none"},
                        {"in_channels", 1}}}};
}

}  // namespace ganvas::hat_plugin
