// The feature network that ships with ganvas, trained to give what SqueezeNet 1.1 gives at its LPIPS layers (task
// "distill"). The same sizes of layers, but plain: every block squeezes to few channels by a 1x1 convolution and
// expands by one of 3x3, a superset of SqueezeNet's two side by side, and without its concatenations. Layers: conv1,
// relu1 (= tap1), pool1, squeeze2, block2, squeeze3, block3 (= tap2), pool3, ... block9 (= tap7).
#include <torch/torch.h>

#include <array>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/feature_blocks.hpp"

namespace ganvas::small_plugin {

namespace {

namespace nn = torch::nn;

/// Blocks 2 to 9: squeezed and expanded channels in units of the config's, which tap it is (0: none), whether a pool
/// stands before it.
struct BlockPlace {
  int squeezed, expanded, tap;
  bool pool;
};
constexpr std::array<BlockPlace, 8> block_places{{{1, 2, 0, true},
                                                  {1, 2, 2, false},
                                                  {2, 4, 0, true},
                                                  {2, 4, 3, false},
                                                  {3, 6, 4, true},
                                                  {3, 6, 5, false},
                                                  {4, 8, 6, false},
                                                  {4, 8, 7, false}}};

class SmallFeatures final : public FeatureNetwork {
 public:
  explicit SmallFeatures(const nlohmann::json& config)
      : channels_(positive(config, "channels", 64)),
        squeeze_(positive(config, "squeeze", 20)),
        norm_(input_norm(config)) {
    check_keys(config, {"channels", "squeeze", "input"});
    WeightBudget::spend(std::int64_t{channels_} * 27);
    nn::Conv2d first = register_module("conv1", nn::Conv2d(nn::Conv2dOptions(3, channels_, 3).stride(2)));
    add_layer({"conv1", channels_, [first](const torch::Tensor& x, bool) mutable { return first_conv(first, x); }, 3});
    add_layer({"relu1", channels_, relu_step});
    add_alias("tap1", "relu1");
    int channels = channels_;
    for (std::size_t i = 0; i < block_places.size(); ++i)
      channels = add_block(static_cast<int>(i) + 2, block_places[i], channels);
  }

  std::string architecture() const override { return "small-features"; }
  nlohmann::json config() const override {
    return {{"channels", channels_}, {"squeeze", squeeze_}, {"input", input_norm_name(norm_)}};
  }
  std::vector<std::string> lpips_layers() const override {
    return {"relu1", "block3", "block5", "block6", "block7", "block8", "block9"};
  }
  std::vector<std::string> stages() const override {
    return {"relu1", "block2", "block3", "block4", "block5", "block6", "block7", "block8", "block9"};
  }

 protected:
  torch::Tensor normalised(const torch::Tensor& images) const override { return normalise_input(images, norm_); }

 private:
  int add_block(int number, const BlockPlace& at, int in) {
    if (at.pool)
      add_layer({fmt::format("pool{}", number - 1), in, [](const torch::Tensor& x, bool) { return pool_ceil(x); }, 2});
    const int narrow = at.squeezed * squeeze_, out = at.expanded * channels_;
    add_conv(fmt::format("squeeze{}", number), make_conv(in, narrow, 1), narrow);
    const std::string name = fmt::format("block{}", number);
    add_conv(name, make_conv(narrow, out), out);
    if (at.tap > 0) add_alias(fmt::format("tap{}", at.tap), name);
    return out;
  }

  void add_conv(const std::string& name, nn::Conv2d conv, int out) {
    register_module(name, conv);
    add_layer({name, out, [conv](const torch::Tensor& x, bool) mutable { return relu_of(conv->forward(x)); }});
  }

  int channels_, squeeze_;
  InputNorm norm_;
};

std::optional<Detected> detect(const StateDict& weights) {
  for (const char* key : {"conv1.weight", "squeeze2.weight", "block2.weight", "block9.weight"})
    if (!weights.contains(key)) return std::nullopt;
  return Detected{
      {{"channels", conv_weight(weights, "conv1").size(0)}, {"squeeze", conv_weight(weights, "squeeze2").size(0)}},
      weights,
      "ganvas"};
}

}  // namespace

FeaturePlugin plugin() {
  return {.name = "small-features",
          .summary = "plain convolutions trained after SqueezeNet's LPIPS layers; shipped as 'features'",
          .order = 30,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<SmallFeatures>(config); },
          .examples = {{{"channels", 8}, {"squeeze", 4}}}};
}

}  // namespace ganvas::small_plugin
