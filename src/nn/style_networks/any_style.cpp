// Our own network for any style: the middle of MicroAST (modulated_style.hpp) between ends that are cheap on CPUs. The
// encoders begin with a pixel-unshuffle of 4, the decoder ends with a pixel-shuffle: no dense features at the picture's
// own size, and no grouped convolutions, which cost more time than their few multiplications promise.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/modulated_style.hpp"

namespace ganvas::any_style_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr int cell = 4;

nn::Sequential unshuffled_head(int width) {
  nn::Sequential head;
  head->push_back(nn::PixelUnshuffle(cell));
  head->push_back(ConvLayer(3 * cell * cell, width, 3));
  head->push_back(nn::ReLU(nn::ReLUOptions(true)));
  return head;
}

class AnyStyle final : public ModulatedStyleNetwork {
 public:
  explicit AnyStyle(const nlohmann::json& config)
      : width_(positive(config, "width", 64)), tail_width_(positive(config, "tail_width", 32)) {
    check_keys(config, {"width", "tail_width"});
    build(unshuffled_head(width_), unshuffled_head(width_), width_);
    wide_ = decoder().register_module("wide", ConvLayer(width_, tail_width_, 3));
    shuffled_ = decoder().register_module("shuffled", ConvLayer(tail_width_, 12, 3));
    last_ = decoder().register_module("last", ConvLayer(3, 3, 3));
    start_plain();
  }

  StyleNetworkInfo info() const override {
    // One place of the first convolution and four of the residual layers; back, a place at half the size twice and one
    // pixel: five pixels.
    return {.cell = cell,
            .channels = width_,
            .encode_reach = 5 * cell,
            .decode_reach = 2,
            .steps = both_steps(),
            .live_values = std::max(12, width_ / 4)};
  }
  Tensor decode(const Tensor& features) override {
    const Tensor half = torch::relu(wide_->forward(enlarge_nearest(features, 2)));
    return last_->picture_of(torch::pixel_shuffle(shuffled_->forward(half), 2));
  }
  std::string architecture() const override { return "any-style"; }
  nlohmann::json config() const override { return {{"width", width_}, {"tail_width", tail_width_}}; }

 private:
  /// The pixels of a shuffle start equal (ICNR), and the last convolution passes its picture on: no grid to begin with.
  void start_plain() {
    const torch::NoGradGuard no_grad;
    repeat_for_pixel_shuffle(shuffled_->conv_layer->weight, 2);
    shuffled_->conv_layer->bias.zero_();
    Tensor weight = last_->conv_layer->weight;
    weight.mul_(0.1);
    for (int c = 0; c < 3; ++c) weight[c][c][1][1] += 1;
    last_->conv_layer->bias.zero_();
  }

  int width_, tail_width_;
  ConvLayer wide_{nullptr}, shuffled_{nullptr}, last_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  const Tensor* first = weights.find("content_encoder.enc1.1.conv_layer.weight");
  if (!first || !weights.contains("decoder.shuffled.conv_layer.weight")) return std::nullopt;
  return Detected{{{"width", first->size(0)}, {"tail_width", conv_weight(weights, "decoder.wide.conv_layer").size(0)}},
                  weights,
                  "ganvas"};
}

}  // namespace

StyleNetworkPlugin plugin() {
  return {.name = "any-style",
          .summary = "any style, MicroAST's middle between pixel shuffles; ours",
          .order = 10,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<AnyStyle>(config); },
          .examples = {{{"width", 8}, {"tail_width", 4}}, {{"width", 6}, {"tail_width", 6}}}};
}

}  // namespace ganvas::any_style_plugin
