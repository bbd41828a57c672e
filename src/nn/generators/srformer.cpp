// SRFormer (Zhou et al. 2023): window attention whose keys and values are two by two tokens in one, which makes larger
// windows affordable.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/paths.hpp"
#include "nn/restoration_frame.hpp"
#include "nn/windows.hpp"

namespace ganvas::srformer_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

const char* const first_index = "layers.0.residual_group.blocks.0.attn.aligned_relative_position_index";

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 60)),
        window(positive(config, "window", 16)),
        hidden(positive(config, "hidden", 2 * channels)),
        kernel(positive(config, "kernel", 5)),
        depths(numbers(config, "depths", {6, 6, 6, 6})),
        heads(numbers(config, "heads", std::vector<int>(depths.size(), 6))),
        shifted(truth(config, "shifted", true)),
        bias(truth(config, "qkv_bias", true)) {
    if (window > 64 || window % 2 != 0) fail(ErrorKind::recipe, "window: {} is odd or more than 64", window);
    if (kernel % 2 == 0) fail(ErrorKind::recipe, "kernel: {} is even", kernel);
    if (channels % 4 != 0) fail(ErrorKind::recipe, "channels: {} don't divide into four", channels);
    if (heads.size() != depths.size())
      fail(ErrorKind::recipe, "heads: {} numbers for {} groups", heads.size(), depths.size());
  }
  /// Of windows that are no multiple of 4 the shift is odd: a cell of the outermost windows then holds tokens of two
  /// opposite borders of what is computed at once, as in the published code, and tiles differ from the whole there.
  int shift_of(int block) const { return shifted && block % 2 == 1 ? window / 2 : 0; }
  int channels, window, hidden, kernel;
  std::vector<int> depths, heads;
  bool shifted, bias;
};

/// For each query of a window and each of its key cells, the row of the table: positions count in cells.
Tensor cell_positions(int window) {
  const int cells = window / 2;
  const auto [query_rows, query_columns] = places({window, window});
  const auto [key_rows, key_columns] = places({cells, cells});
  const Tensor rows = torch::floor_divide(query_rows, 2).unsqueeze(1) - key_rows.unsqueeze(0) + (cells - 1);
  const Tensor columns = torch::floor_divide(query_columns, 2).unsqueeze(1) - key_columns.unsqueeze(0) + (cells - 1);
  return (rows * (2 * cells - 1) + columns).flatten();
}

/// Windows of queries against windows of cells, which are shifted by half as much, rounded up.
Tensor cell_mask(std::int64_t height, std::int64_t width, int window) {
  const int shift = window / 2, cells = window / 2, cell_shift = (shift + 1) / 2;
  return mask_between(shift_regions(height, width, {window, window}, {shift, shift}),
                      shift_regions(height / 2, width / 2, {cells, cells}, {cell_shift, cell_shift}));
}

/// Permuted self-attention (section 3.2).
class AttentionImpl final : public nn::Module {
 public:
  AttentionImpl(const Options& options, int heads)
      : channels_(options.channels),
        window_(options.window),
        heads_(heads),
        q_(register_module("q", make_linear(channels_, channels_, options.bias))),
        kv_(register_module("kv", make_linear(channels_, channels_ / 2, options.bias))),
        proj_(register_module("proj", make_linear(channels_, channels_))) {
    check_heads(channels_, heads);
    table_ = register_parameter("relative_position_bias_table", make_bias_table((window_ - 1) * (window_ - 1), heads));
    indices_ = cell_positions(window_);
  }
  Tensor forward(const Tensor& tokens, int shift, const Tensor& mask) {
    const AttentionShape shape{.heads = heads_,
                               .scale = 1.0 / std::sqrt(static_cast<double>(channels_ / heads_)),
                               .window = {window_, window_},
                               .shift = {shift, shift}};
    return proj_->forward(cell_attention(q_->forward(tokens), kv_->forward(tokens),
                                         bias_of(table_, indices_, shape.window.tokens()), shift > 0 ? mask : Tensor(),
                                         shape));
  }

 private:
  int channels_, window_, heads_;
  nn::Linear q_, kv_, proj_;
  Tensor table_, indices_;
};
TORCH_MODULE(Attention);

class BlockImpl final : public nn::Module {
 public:
  BlockImpl(const Options& options, int heads, int shift)
      : shift_(shift),
        norm1_(register_module("norm1", make_token_norm(options.channels))),
        norm2_(register_module("norm2", make_token_norm(options.channels))),
        attention_(register_module("attn", Attention(options, heads))),
        mlp_(register_module("mlp", ConvFfn(options.channels, options.hidden, options.kernel))) {}
  Tensor forward(const Tensor& tokens, const Tensor& mask) {
    const Tensor x = tokens + attention_->forward(norm1_->forward(tokens), shift_, mask);
    return x + mlp_->forward(norm2_->forward(x));
  }

 private:
  int shift_;
  nn::LayerNorm norm1_, norm2_;
  Attention attention_;
  ConvFfn mlp_;
};
TORCH_MODULE(Block);

using Group = BlockGroup<Block>;

class SrFormer final : public RestorationFrame {
 public:
  explicit SrFormer(const nlohmann::json& config) : SrFormer(config, Options(config)) {}
  std::string architecture() const override { return "srformer"; }
  nlohmann::json config() const override {
    nlohmann::json config = RestorationFrame::config();
    config.update({{"window", options_.window},
                   {"hidden", options_.hidden},
                   {"kernel", options_.kernel},
                   {"depths", options_.depths},
                   {"heads", options_.heads},
                   {"shifted", options_.shifted},
                   {"qkv_bias", options_.bias}});
    return config;
  }

 private:
  SrFormer(const nlohmann::json& config, const Options& options)
      : RestorationFrame(config, {.multiple = options.window}),
        options_(options),
        masks_([window = options.window](std::int64_t height, std::int64_t width) {
          return cell_mask(height, width, window);
        }) {
    check_options(config, {"window", "hidden", "kernel", "depths", "heads", "shifted", "qkv_bias"});
    for (std::size_t i = 0; i < options.depths.size(); ++i)
      groups_.push_back(add_group(std::make_shared<Group>(
          "residual_group.blocks.", options.depths[i],
          [&](int block) { return Block(options, options.heads[i], options.shift_of(block)); }, residual_end(),
          channels())));
    if (!options.shifted) mark_unshifted(first_index, cell_positions(options.window), options.window);
  }

  Tensor body(const Tensor& tokens) override {
    return through(groups_, tokens, options_.shifted ? masks_.get(tokens) : Tensor());
  }
  Reach body_reach(Reach out) const override {
    const int mlp = options_.kernel / 2, end = ResidualEnd::radius(residual_end());
    for (auto depth = options_.depths.rbegin(); depth != options_.depths.rend(); ++depth) {
      out = {out.first - end, out.last + end};
      for (int i = *depth - 1; i >= 0; --i)
        out = through_window({out.first - mlp, out.last + mlp}, options_.window, options_.shift_of(i));
    }
    return out;
  }
  int body_values() const override {
    const int most = *std::max_element(options_.heads.begin(), options_.heads.end());
    return std::max(6 * channels() + (2 * most + 1) * options_.window * options_.window / 4,
                    3 * channels() + 4 * options_.hidden);
  }

  Options options_;
  MaskCache masks_;
  std::vector<std::shared_ptr<Group>> groups_;
};

std::optional<Detected> detect(const StateDict& stored) {
  const std::string block = "layers.0.residual_group.blocks.0.", table = "attn.relative_position_bias_table";
  if (!stored.contains(block + table) || !stored.contains(block + "attn.kv.weight") ||
      !stored.contains(block + "attn.q.weight"))
    return std::nullopt;
  StateDict weights = without_recomputed(stored);
  nlohmann::json config = read_restoration_frame(weights);
  const auto side = whole_root(size_of(weights, block + table, 2, 0));
  if (!side || *side % 2 == 0) fail(ErrorKind::model, "no window has such a table of relative positions");
  const bool shifted = read_shifted(stored, "layers.0.residual_group.blocks.1.attn_mask", first_index, weights);
  config.update({{"window", *side + 1},
                 {"hidden", size_of(weights, block + "mlp.fc1.weight", 2, 0)},
                 {"kernel", size_of(weights, block + "mlp.dwconv.depthwise_conv.0.weight", 4, 2)},
                 {"shifted", shifted},
                 {"qkv_bias", weights.contains(block + "attn.q.bias")}});
  config["depths"] = for_each_group(weights, "residual_group.blocks.0.norm1.weight", [&](const std::string& group) {
    return count_layers(weights, group + "residual_group.blocks.", ".norm1.weight");
  });
  config["heads"] = for_each_group(weights, "residual_group.blocks.0.norm1.weight", [&](const std::string& group) {
    return size_of(weights, group + "residual_group.blocks.0." + table, 2, 1);
  });
  return Detected{config, std::move(weights), "SRFormer"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "srformer",
          .summary = "SRFormer: attention in large windows to merged keys (Zhou et al. 2023)",
          .order = 71,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<SrFormer>(config); },
          .examples = {{{"channels", 4},
                        {"window", 4},
                        {"depths", {2, 2}},
                        {"heads", {2, 1}},
                        {"features", 6},
                        {"scale", 2},
                        {"hidden", 6}},
                       {{"channels", 8},
                        {"window", 8},
                        {"depths", {2}},
                        {"heads", {2}},
                        {"scale", 3},
                        {"upsampler", "pixelshuffledirect"},
                        {"residual_end", "3conv"}},
                       {{"channels", 4},
                        {"window", 4},
                        {"depths", {2}},
                        {"heads", {1}},
                        {"scale", 1},
                        {"upsampler", "none"},
                        {"in_channels", 1},
                        {"kernel", 3}}}};
}

}  // namespace ganvas::srformer_plugin
