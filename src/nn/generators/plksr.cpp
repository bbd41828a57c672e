// PLKSR (Lee et al. 2024, "Partial large kernel CNNs for efficient super-resolution").
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/large_kernel.hpp"
#include "nn/mixed.hpp"

namespace ganvas::plksr_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 64)),
        hidden(positive(config, "hidden", 2 * channels)),
        partial(positive(config, "partial_channels", 16)),
        kernel(positive(config, "kernel", 17)),
        mixer(numbers(config, "mixer", {3, 3})),
        attention(truth(config, "attention", true)) {
    check_large_kernel(channels, partial, kernel);
    if (mixer.size() != 2 || mixer[0] % 2 == 0 || mixer[1] % 2 == 0)
      fail(ErrorKind::recipe, "mixer: the sides of two odd kernels, e.g. [3, 1]");
  }
  int radius() const { return mixer[0] / 2 + mixer[1] / 2 + kernel / 2 + attention; }
  int channels, hidden, partial, kernel;
  std::vector<int> mixer;
  bool attention;
};

class BlockImpl final : public nn::Module {
 public:
  explicit BlockImpl(const Options& options)
      : mix1_(make_conv(options.channels, options.hidden, options.mixer[0])),
        mix2_(make_conv(options.hidden, options.channels, options.mixer[1])) {
    register_module("channe_mixer", nn::Sequential(mix1_, nn::GELU(), mix2_));  // the published spelling
    large_ = register_module("lk", PartialLargeKernel(options.partial, options.kernel));
    if (options.attention) attention_ = register_module("attn", ElementAttention(options.channels));
    refine_ = register_module("refine", make_conv(options.channels, options.channels, 1));
  }
  Tensor forward(const Tensor& x) {
    Tensor y = large_->forward(mix2_->forward(torch::gelu(mix1_->forward(x))));
    if (attention_) y = attention_->forward(y);
    return x + refine_->forward(y);
  }

 private:
  nn::Conv2d mix1_, mix2_, refine_{nullptr};
  PartialLargeKernel large_{nullptr};
  ElementAttention attention_{nullptr};
};
TORCH_MODULE(Block);

class Plksr final : public Generator {
 public:
  explicit Plksr(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        blocks_count_(positive(config, "blocks", 28)),
        scale_(positive(config, "scale", 4)),
        options_(config) {
    check_keys(config, {"in_channels", "channels", "hidden", "partial_channels", "kernel", "mixer", "attention",
                        "blocks", "scale"});
    check_scale(scale_);
    first_ = make_conv(in_, options_.channels);
    last_ = make_conv(options_.channels, in_ * scale_ * scale_);
    nn::Sequential layers(first_);
    for (int i = 0; i < blocks_count_; ++i) {
      blocks_.emplace_back(options_);
      layers->push_back(blocks_.back());
    }
    layers->push_back(last_);
    register_module("feats", layers);
  }
  Tensor forward(const Tensor& input) override {
    Tensor x = input_conv(first_, input);
    for (auto& block : blocks_) x = block->forward(x);
    // Published as every channel repeated before the shuffle, which is the enlarged picture behind it.
    return torch::pixel_shuffle(output_conv(last_, x), scale_) + enlarge_nearest(input, scale_);
  }
  GeneratorInfo info() const override {
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = in_,
            .halo = 2 + blocks_count_ * options_.radius(),
            .live_values = std::max(2 * options_.channels + 2 * options_.hidden, 3 * in_ * scale_ * scale_)};
  }
  std::string architecture() const override { return "plksr"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_},
            {"channels", options_.channels},
            {"hidden", options_.hidden},
            {"partial_channels", options_.partial},
            {"kernel", options_.kernel},
            {"mixer", options_.mixer},
            {"attention", options_.attention},
            {"blocks", blocks_count_},
            {"scale", scale_}};
  }
  void soften_pixel_shuffles() override { repeat_for_pixel_shuffle(last_->weight, scale_); }

 private:
  int in_, blocks_count_, scale_;
  Options options_;
  nn::Conv2d first_{nullptr}, last_{nullptr};
  std::vector<Block> blocks_;
};

std::optional<Detected> detect(const StateDict& weights) {
  const std::string block = "feats.1.", mixer = block + "channe_mixer.";
  if (!weights.contains("feats.0.weight") || !weights.contains(block + "lk.conv.weight") ||
      !weights.contains(mixer + "0.weight"))
    return std::nullopt;
  const int in = size_of(weights, "feats.0.weight", 4, 1);
  const int blocks = count_layers(weights, "feats.", ".refine.weight", 1);
  const std::string last = fmt::format("feats.{}.weight", blocks + 1);
  const auto scale = whole_root(size_of(weights, last, 4, 0) / in);
  if (!scale || *scale < 1) fail(ErrorKind::model, "{} gives no whole scale", last);
  return Detected{{{"in_channels", in},
                   {"channels", size_of(weights, "feats.0.weight", 4, 0)},
                   {"hidden", size_of(weights, mixer + "0.weight", 4, 0)},
                   {"partial_channels", size_of(weights, block + "lk.conv.weight", 4, 0)},
                   {"kernel", size_of(weights, block + "lk.conv.weight", 4, 2)},
                   {"mixer", {size_of(weights, mixer + "0.weight", 4, 2), size_of(weights, mixer + "2.weight", 4, 2)}},
                   {"attention", weights.contains(block + "attn.f.0.weight")},
                   {"blocks", blocks},
                   {"scale", *scale}},
                  weights,
                  "PLKSR"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "plksr",
          .summary = "PLKSR: large kernels over part of the channels (Lee et al. 2024)",
          .order = 14,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Plksr>(config); },
          .examples = {{{"channels", 8}, {"blocks", 1}, {"partial_channels", 2}, {"kernel", 5}, {"scale", 4}},
                       {{"channels", 6},
                        {"blocks", 2},
                        {"partial_channels", 2},
                        {"kernel", 5},
                        {"scale", 2},
                        {"mixer", {3, 1}},
                        {"attention", false},
                        {"in_channels", 1}}}};
}

}  // namespace ganvas::plksr_plugin
