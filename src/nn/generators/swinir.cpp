// SwinIR (Liang et al. 2021): groups of Swin transformer blocks, whose windows are shifted by half in every other one.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/paths.hpp"
#include "nn/restoration_frame.hpp"
#include "nn/windows.hpp"

namespace ganvas::swinir_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

const char* const first_index = "layers.0.residual_group.blocks.0.attn.relative_position_index";

struct Options {
  explicit Options(const nlohmann::json& config)
      : window(positive(config, "window", 8)),
        hidden(positive(config, "hidden", 2 * positive(config, "channels", 60))),
        depths(numbers(config, "depths", {6, 6, 6, 6})),
        heads(numbers(config, "heads", std::vector<int>(depths.size(), 6))),
        shifted(truth(config, "shifted", true)),
        bias(truth(config, "qkv_bias", true)) {
    if (window > 64) fail(ErrorKind::recipe, "window: {} is more than 64", window);
    if (heads.size() != depths.size())
      fail(ErrorKind::recipe, "heads: {} numbers for {} groups", heads.size(), depths.size());
  }
  int shift_of(int block) const { return shifted && block % 2 == 1 ? window / 2 : 0; }
  int window, hidden;
  std::vector<int> depths, heads;
  bool shifted, bias;
};

using Group = BlockGroup<SwinBlock>;

class SwinIr final : public RestorationFrame {
 public:
  explicit SwinIr(const nlohmann::json& config) : SwinIr(config, Options(config)) {}
  std::string architecture() const override { return "swinir"; }
  nlohmann::json config() const override {
    nlohmann::json config = RestorationFrame::config();
    config.update({{"window", options_.window},
                   {"hidden", options_.hidden},
                   {"depths", options_.depths},
                   {"heads", options_.heads},
                   {"shifted", options_.shifted},
                   {"qkv_bias", options_.bias}});
    return config;
  }

 private:
  SwinIr(const nlohmann::json& config, const Options& options)
      : RestorationFrame(config, {.multiple = options.window}),
        options_(options),
        masks_({options.window, options.window}, {options.window / 2, options.window / 2}) {
    check_options(config, {"window", "hidden", "depths", "heads", "shifted", "qkv_bias"});
    for (std::size_t i = 0; i < options.depths.size(); ++i)
      groups_.push_back(add_group(std::make_shared<Group>(
          "residual_group.blocks.", options.depths[i],
          [&](int block) {
            return SwinBlock(SwinOptions{channels(), options.window, options.heads[i], options.hidden,
                                         options.shift_of(block), options.bias});
          },
          residual_end(), channels())));
    if (!options.shifted)
      mark_unshifted(first_index, relative_positions({options.window, options.window}), options.window);
  }

  Tensor body(const Tensor& tokens) override {
    return through(groups_, tokens, options_.shifted ? masks_.get(tokens) : Tensor());
  }
  Reach body_reach(Reach out) const override {
    for (auto depth = options_.depths.rbegin(); depth != options_.depths.rend(); ++depth) {
      const int radius = ResidualEnd::radius(residual_end());
      out = {out.first - radius, out.last + radius};
      for (int i = *depth - 1; i >= 0; --i) out = through_window(out, options_.window, options_.shift_of(i));
    }
    return out;
  }
  int body_values() const override {
    const int most = *std::max_element(options_.heads.begin(), options_.heads.end());
    return std::max(7 * channels() + (2 * most + 1) * options_.window * options_.window,
                    3 * channels() + 2 * options_.hidden);
  }

  Options options_;
  MaskCache masks_;
  std::vector<std::shared_ptr<Group>> groups_;
};

std::optional<Detected> detect(const StateDict& stored) {
  const std::string block = "layers.0.residual_group.blocks.0.";
  if (!stored.contains(block + "attn.relative_position_bias_table") || !stored.contains(block + "attn.qkv.weight") ||
      stored.has_prefix("layers.0.residual_group.overlap_attn.") || stored.has_prefix(block + "conv_block."))
    return std::nullopt;
  StateDict weights = without_recomputed(stored);
  nlohmann::json config = read_restoration_frame(weights);
  const std::string table = "attn.relative_position_bias_table";
  const int window = window_of_table(size_of(weights, block + table, 2, 0));
  // A network trained on pictures no larger than its window shifts nothing.
  const bool shifted = read_shifted(stored, "layers.0.residual_group.blocks.1.attn_mask", first_index, weights);
  config.update({{"window", window},
                 {"hidden", size_of(weights, block + "mlp.fc1.weight", 2, 0)},
                 {"shifted", shifted},
                 {"qkv_bias", weights.contains(block + "attn.qkv.bias")}});
  config["depths"] = for_each_group(weights, "residual_group.blocks.0.norm1.weight", [&](const std::string& group) {
    return count_layers(weights, group + "residual_group.blocks.", ".norm1.weight");
  });
  config["heads"] = for_each_group(weights, "residual_group.blocks.0.norm1.weight", [&](const std::string& group) {
    return size_of(weights, group + "residual_group.blocks.0." + table, 2, 1);
  });
  // The networks against JPEG blocks have windows of 7 and know pictures of 0 .. 255.
  if (window == 7) config["img_range"] = 255.0;
  return Detected{config, std::move(weights), window == 7 ? "SwinIR (JPEG)" : "SwinIR"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "swinir",
          .summary = "SwinIR: attention in shifted windows, also denoising and JPEG at x1 (Liang et al. 2021)",
          .order = 73,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<SwinIr>(config); },
          .examples = {{{"channels", 4},
                        {"window", 4},
                        {"depths", {2, 3}},
                        {"heads", {2, 1}},
                        {"features", 6},
                        {"scale", 2},
                        {"hidden", 6}},
                       {{"channels", 8},
                        {"window", 2},
                        {"depths", {2}},
                        {"heads", {2}},
                        {"scale", 3},
                        {"upsampler", "pixelshuffledirect"},
                        {"residual_end", "3conv"}},
                       {{"channels", 4},
                        {"window", 3},
                        {"depths", {2}},
                        {"heads", {1}},
                        {"scale", 4},
                        {"features", 3},
                        {"upsampler", "nearest+conv"},
                        {"patch_norm", false}},
                       {{"channels", 4},
                        {"window", 7},
                        {"depths", {2}},
                        {"heads", {1}},
                        {"scale", 1},
                        {"upsampler", "none"},
                        {"in_channels", 1},
                        {"img_range", 255.0}},
                       {{"channels", 8},
                        {"window", 2},
                        {"depths", {2}},
                        {"heads", {2}},
                        {"scale", 3},
                        {"upsampler", "pixelshuffledirect"},
                        {"shifted", false}},
                       {{"channels", 4},
                        {"window", 2},
                        {"depths", {2}},
                        {"heads", {1}},
                        {"scale", 2},
                        {"features", 4},
                        {"unshuffle", 2},
                        {"qkv_bias", false}}}};
}

}  // namespace ganvas::swinir_plugin
