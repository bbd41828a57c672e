// DRCT (Hsu et al. 2024): Swin blocks that are densely connected, each seeing what all before it gave.
#include <torch/torch.h>

#include <numeric>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/restoration_frame.hpp"
#include "nn/windows.hpp"

namespace ganvas::drct_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int dense = 5;
const char* const first_index = "layers.0.swin1.attn.relative_position_index";

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 60)),
        growth(positive(config, "growth", 32)),
        window(positive(config, "window", 16)),
        heads(numbers(config, "heads", {6, 6, 6, 6, 6, 6})),
        hidden(numbers(config, "hidden", default_hidden())),
        bias(truth(config, "qkv_bias", true)),
        shifted(truth(config, "shifted", true)) {
    if (window > 64) fail(ErrorKind::recipe, "window: {} is more than 64", window);
    if (hidden.size() != dense) fail(ErrorKind::recipe, "hidden: {} numbers, not {}", hidden.size(), dense);
  }
  int width(int k) const { return channels + k * growth; }
  /// A number of heads that divides the width: as published, the group's less the remainder.
  static int heads_of(int group, int width) { return std::max(1, group - width % group); }
  int shift_of(int k) const { return shifted && k % 2 == 1 ? window / 2 : 0; }
  int multiple() const { return std::lcm(16, window); }

  int channels, growth, window;
  std::vector<int> heads, hidden;  ///< one a group; one a block of a group
  bool bias, shifted;

 private:
  std::vector<int> default_hidden() const { return {2 * width(0), 2 * width(1), 2 * width(2), width(3), width(4)}; }
};

class GroupImpl final : public nn::Module {
 public:
  GroupImpl(const Options& options, int heads) {
    for (int k = 0; k < dense; ++k) {
      const int width = options.width(k);
      blocks_.push_back(register_module(fmt::format("swin{}", k + 1),
                                        SwinBlock(SwinOptions{width, options.window, Options::heads_of(heads, width),
                                                              options.hidden[k], options.shift_of(k), options.bias})));
      adjust_.push_back(register_module(fmt::format("adjust{}", k + 1),
                                        make_conv(width, k + 1 < dense ? options.growth : options.channels, 1)));
    }
  }
  Tensor forward(const Tensor& tokens, const Tensor& mask) {
    Tensor all = tokens;
    for (int k = 0; k + 1 < dense; ++k)
      all = torch::cat({all, torch::leaky_relu(conv_tokens(adjust_[k], blocks_[k]->forward(all, mask)), 0.2)}, 3);
    return torch::add(tokens, conv_tokens(adjust_[dense - 1], blocks_[dense - 1]->forward(all, mask)), 0.2);
  }

 private:
  std::vector<SwinBlock> blocks_;
  std::vector<nn::Conv2d> adjust_;
};
TORCH_MODULE(Group);

class Drct final : public RestorationFrame {
 public:
  explicit Drct(const nlohmann::json& config) : Drct(config, Options(config)) {}
  std::string architecture() const override { return "drct"; }
  nlohmann::json config() const override {
    nlohmann::json config = RestorationFrame::config();
    config.update({{"growth", options_.growth},
                   {"window", options_.window},
                   {"heads", options_.heads},
                   {"hidden", options_.hidden},
                   {"qkv_bias", options_.bias},
                   {"shifted", options_.shifted}});
    return config;
  }

 private:
  Drct(const nlohmann::json& config, const Options& options)
      : RestorationFrame(config, {.multiple = options.multiple()}),
        options_(options),
        masks_({options.window, options.window}, {options.window / 2, options.window / 2}) {
    check_options(config, {"growth", "window", "heads", "hidden", "qkv_bias", "shifted"});
    for (const int heads : options.heads) groups_.push_back(add_group(Group(options, heads)));
    if (!options.shifted)
      mark_unshifted(first_index, relative_positions({options.window, options.window}), options.window);
  }

  Tensor body(const Tensor& tokens) override {
    return through(groups_, tokens, options_.shifted ? masks_.get(tokens) : Tensor());
  }
  Reach body_reach(Reach out) const override {
    for (std::size_t i = 0; i < groups_.size(); ++i)
      for (int k = dense - 1; k >= 0; --k) out = through_window(out, options_.window, options_.shift_of(k));
    return out;
  }
  int body_values() const override {
    const int widest = options_.width(dense - 1);
    const int most = *std::max_element(options_.heads.begin(), options_.heads.end());
    return 9 * widest + (2 * most + 1) * options_.window * options_.window;
  }

  Options options_;
  MaskCache masks_;
  std::vector<Group> groups_;
};

std::optional<Detected> detect(const StateDict& stored) {
  const std::string table = ".attn.relative_position_bias_table";
  if (!stored.contains("layers.0.swin1" + table) || !stored.contains("layers.0.adjust1.weight")) return std::nullopt;
  StateDict weights = without_recomputed(stored);
  nlohmann::json config = read_restoration_frame(weights);
  const int channels = config["channels"].get<int>(), growth = size_of(weights, "layers.0.adjust1.weight", 4, 0);
  std::vector<int> hidden;
  for (int k = 1; k <= dense; ++k)
    hidden.push_back(size_of(weights, fmt::format("layers.0.swin{}.mlp.fc1.weight", k), 2, 0));
  config.update({{"growth", growth},
                 {"window", window_of_table(size_of(weights, "layers.0.swin1" + table, 2, 0))},
                 {"hidden", hidden},
                 {"qkv_bias", weights.contains("layers.0.swin1.attn.qkv.bias")},
                 {"shifted", read_shifted(stored, "layers.0.swin2.attn_mask", first_index, weights)}});
  // The group's number is known by what it leaves of itself at five widths.
  config["heads"] = for_each_group(weights, "adjust1.weight", [&](const std::string& group) {
    std::vector<int> blocks;
    for (int k = 1; k <= dense; ++k)
      blocks.push_back(size_of(weights, fmt::format("{}swin{}{}", group, k, table), 2, 1));
    for (int heads = blocks[0]; heads <= 256; ++heads) {
      bool fits = true;
      for (int k = 0; k < dense; ++k) fits = fits && Options::heads_of(heads, channels + k * growth) == blocks[k];
      if (fits) return heads;
    }
    fail(ErrorKind::model, "the heads of '{}' follow no number", group);
  });
  return Detected{config, std::move(weights), "DRCT"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "drct",
          .summary = "DRCT: densely connected Swin blocks (Hsu et al. 2024)",
          .order = 70,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Drct>(config); },
          .examples = {{{"channels", 4}, {"growth", 2}, {"window", 2}, {"heads", {2}}, {"features", 4}, {"scale", 2}}}};
}

}  // namespace ganvas::drct_plugin
