// SPAN (Wan et al. 2024, "Swift parameter-free attention network"): six blocks of three 3x3 convolutions, each weighted
// by its own result through an odd function, so that attention needs no weights. In training every 3x3 convolution is a
// chain of three beside a 1x1; files of that form are fused here when they are read.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/keys.hpp"
#include "nn/mixed.hpp"
#include "nn/paths.hpp"

namespace ganvas::span_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int blocks = 6;
/// Mean colour of DIV2K's training pictures, and the range inside.
const std::vector<double> mean_colour{0.4488, 0.4371, 0.4040};
constexpr double inner_range = 255.0;

struct Block {
  nn::Conv2d c1{nullptr}, c2{nullptr}, c3{nullptr};

  /// Result, and what the first activation gives.
  std::pair<Tensor, Tensor> forward(const Tensor& x) {
    const Tensor first = torch::silu(c1->forward(x));
    const Tensor third = c3->forward(torch::silu(c2->forward(first)));
    return {(third + x) * (torch::sigmoid(third) - 0.5), first};
  }
};

class Span final : public Generator {
 public:
  explicit Span(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        channels_(positive(config, "channels", 48)),
        head_(positive(config, "head_channels", channels_)),
        scale_(positive(config, "scale", 4)),
        norm_(truth(config, "norm", true)) {
    check_keys(config, {"in_channels", "out_channels", "channels", "head_channels", "scale", "norm"});
    check_scale(scale_);
    if (!norm_) register_buffer("no_norm", torch::zeros({1}));
    first_ = register_at(*this, "conv_1.eval_conv", make_conv(in_, channels_));
    for (int i = 0; i < blocks; ++i) {
      const auto conv = [&](int k) {
        return register_at(*this, fmt::format("block_{}.c{}_r.eval_conv", i + 1, k), make_conv(channels_, channels_));
      };
      blocks_[i] = {conv(1), conv(2), conv(3)};
    }
    cat_ = register_module("conv_cat", make_conv(4 * channels_, head_, 1));
    second_ = register_at(*this, "conv_2.eval_conv", make_conv(channels_, channels_));
    last_ = register_at(*this, "upsampler.0", make_conv(head_, out_ * scale_ * scale_));
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = input;
    if (norm_) {
      if (in_ == 3) x = x - torch::tensor(mean_colour, torch::kDouble).view({1, 3, 1, 1}).to(x.options());
      x = x * inner_range;
    }
    const Tensor features = input_conv(first_, x);
    Tensor deep = features, shallow, middle;
    for (auto& block : blocks_) {
      std::tie(deep, middle) = block.forward(deep);
      if (!shallow.defined()) shallow = deep;
    }
    const Tensor head = cat_->forward(torch::cat({features, second_->forward(deep), shallow, middle}, 1));
    return torch::pixel_shuffle(output_conv(last_, head), scale_);
  }

  GeneratorInfo info() const override {
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = out_,
            .halo = 3 * blocks + 3,
            .live_values = std::max(9 * channels_, 2 * out_ * scale_ * scale_ + head_)};
  }
  std::string architecture() const override { return "span"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_},     {"out_channels", out_}, {"channels", channels_},
            {"head_channels", head_}, {"scale", scale_},      {"norm", norm_}};
  }
  void soften_pixel_shuffles() override { repeat_for_pixel_shuffle(last_->weight, scale_); }

 private:
  int in_, out_, channels_, head_, scale_;
  bool norm_;
  std::array<Block, blocks> blocks_;
  nn::Conv2d first_{nullptr}, second_{nullptr}, cat_{nullptr}, last_{nullptr};
};

/// The one 3x3 convolution that a training block computes: 1x1, 3x3 without padding and 1x1 in a row, and a 1x1 beside
/// them. (Step by step the border would differ: training pads the input of the chain.)
void fuse(const StateDict& weights, const std::string& stem, StateDict& into) {
  const auto at = [&](const char* layer, int rank) {
    const std::string key = stem + layer;
    size_of(weights, key, rank, 0);
    return weights.at(key).to(torch::kDouble);
  };
  const Tensor w1 = at(".conv.0.weight", 4), w2 = at(".conv.1.weight", 4), w3 = at(".conv.2.weight", 4);
  const Tensor b1 = at(".conv.0.bias", 1), b2 = at(".conv.1.bias", 1), b3 = at(".conv.2.bias", 1);
  const Tensor skip = at(".sk.weight", 4), skip_bias = at(".sk.bias", 1);
  const std::int64_t in = skip.size(1), out = skip.size(0), wide = w1.size(0), wider = w2.size(0);
  const bool fits = w1.numel() == wide * in && w2.sizes() == torch::IntArrayRef({wider, wide, 3, 3}) &&
                    w3.numel() == out * wider && w3.size(0) == out && skip.numel() == out * in && b1.numel() == wide &&
                    b2.numel() == wider && b3.numel() == out && skip_bias.numel() == out;
  if (!fits) fail(ErrorKind::model, "the parts of '{}' don't fit together", stem);
  const Tensor before = w1.reshape({wide, in}), after = w3.reshape({out, wider});
  // Kernel positions first: (3 x 3) x out x in.
  Tensor kernel = torch::matmul(after, torch::matmul(w2.permute({2, 3, 0, 1}), before)).permute({2, 3, 0, 1});
  kernel = kernel.contiguous();
  kernel.select(2, 1).select(2, 1).add_(skip.reshape({out, in}));
  const Tensor bias = torch::mv(after, torch::mv(w2.sum({2, 3}), b1) + b2) + b3 + skip_bias;
  into.set(stem + ".eval_conv.weight", kernel.to(torch::kFloat));
  into.set(stem + ".eval_conv.bias", bias.to(torch::kFloat));
}

/// Every trained block as its one convolution. The `eval_conv` that training files carry as well is left from whenever
/// it was computed last: it counts only where the parts are gone.
StateDict fused(const StateDict& weights, bool& training) {
  StateDict own;
  for (const auto& [key, tensor] : weights) {
    const std::size_t part = std::min(key.find(".sk."), std::min(key.find(".conv."), key.find(".eval_conv.")));
    if (part == std::string::npos) {
      own.set(key, tensor);
      continue;
    }
    const std::string stem = key.substr(0, part);
    if (!weights.contains(stem + ".sk.weight")) {
      own.set(key, tensor);
    } else if (!own.contains(stem + ".eval_conv.weight")) {
      fuse(weights, stem, own);
      training = true;
    }
  }
  return own;
}

std::optional<Detected> detect(const StateDict& weights) {
  if ((!weights.contains("block_1.c1_r.eval_conv.weight") && !weights.contains("block_1.c1_r.sk.weight")) ||
      !weights.contains("conv_cat.weight") || !weights.contains("upsampler.0.weight"))
    return std::nullopt;
  bool training = false;
  StateDict own = fused(weights, training);
  const int in = size_of(own, "conv_1.eval_conv.weight", 4, 1);
  const ShuffledOutput output = split_planes(size_of(own, "upsampler.0.weight", 4, 0), in);
  return Detected{{{"in_channels", in},
                   {"out_channels", output.channels},
                   {"channels", size_of(own, "conv_1.eval_conv.weight", 4, 0)},
                   {"head_channels", size_of(own, "conv_cat.weight", 4, 0)},
                   {"scale", output.scale},
                   {"norm", !own.contains("no_norm")}},
                  std::move(own),
                  training ? "SPAN (training form, fused)" : "SPAN (fused)"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "span",
          .summary = "SPAN: parameter-free attention, fast (Wan et al. 2024; NTIRE's deployed form too)",
          .order = 12,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Span>(config); },
          .examples = {{{"channels", 6}, {"scale", 4}},
                       {{"channels", 6}, {"scale", 2}, {"norm", false}, {"head_channels", 5}},
                       {{"channels", 4}, {"scale", 1}, {"in_channels", 1}, {"norm", false}}}};
}

}  // namespace ganvas::span_plugin
