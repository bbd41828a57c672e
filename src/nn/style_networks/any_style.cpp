// Our own network for any style: the middle of MicroAST (modulated_style.hpp) between ends that are cheap on CPUs. The
// encoders begin with a pixel-unshuffle of 4, the decoder ends with two pixel-shuffles of 2 and a plain convolution: no
// dense features at the picture's own size, and no grouped convolutions, which cost more time than their few
// multiplications promise. A nearest-neighbour enlargement in place of the first shuffle would not know which of a
// place's pixels it makes: a picture in its own style came back at 18 dB.
#include <torch/torch.h>

#include <array>
#include <functional>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/init.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/mixed.hpp"
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

/// The weights of a 3x3 convolution for pixels that a shuffle of 2 has not yet put in their places:
/// O x C x 3 x 3 -> 4 O x 4 C x 3 x 3.
Tensor of_cells(const Tensor& weight) {
  // Output pixel i of a cell reads, with tap d, pixel k of the cell that is `a` from its own (a and d from 0).
  std::array<float, 2 * 2 * 3 * 3> taps{};
  for (int i = 0; i < 2; ++i)
    for (int d = 0; d < 3; ++d) {
      const int pixel = i + d + 1;
      taps[static_cast<std::size_t>(((i * 2 + pixel % 2) * 3 + pixel / 2) * 3 + d)] = 1;
    }
  const Tensor reads = torch::tensor(torch::ArrayRef<float>(taps)).to(weight.options()).view({2, 2, 3, 3});
  return torch::einsum("ocde,ikad,jlbe->oijcklab", {weight, reads, reads})
      .reshape({4 * weight.size(0), 4 * weight.size(1), 3, 3});
}

class AnyStyle final : public ModulatedStyleNetwork {
 public:
  explicit AnyStyle(const nlohmann::json& config)
      : width_(positive(config, "width", 64)), tail_width_(positive(config, "tail_width", 32)) {
    check_keys(config, {"width", "tail_width"});
    build(unshuffled_head(width_), unshuffled_head(width_), width_);
    wide_ = decoder().register_module("wide", ConvLayer(width_, 4 * tail_width_, 3));
    shuffled_ = decoder().register_module("shuffled", ConvLayer(tail_width_, 12, 3));
    last_ = decoder().register_module("last", ConvLayer(3, 3, 3));
    start_plain();
  }

  StyleNetworkInfo info() const override {
    // One place of the first convolution and four of the residual layers; back, a place and two at half the size.
    return {.cell = cell,
            .channels = width_,
            .encode_reach = 5 * cell,
            .decode_reach = 2,
            .steps = both_steps(),
            .live_values = std::max(12, width_ / 4)};
  }
  /// The last convolution comes before the last shuffle, as one of pixels two by two: of a few channels of the whole
  /// picture nothing is fast. What a reflection shows it behind the border is what the outermost place repeats.
  Tensor decode(const Tensor& features) override {
    const Tensor half = torch::pixel_shuffle(torch::relu(wide_->forward(features)), 2);
    const Tensor pixels = torch::replication_pad2d(shuffled_->forward(half).to(torch::kFloat), {1, 1, 1, 1});
    const AutocastScope off(false, features.is_cuda());
    return torch::pixel_shuffle(torch::conv2d(pixels, of_cells(last_->conv_layer->weight.to(torch::kFloat)),
                                              last_->conv_layer->bias.to(torch::kFloat).repeat_interleave(4)),
                                2);
  }
  std::string architecture() const override { return "any-style"; }
  nlohmann::json config() const override { return {{"width", width_}, {"tail_width", tail_width_}}; }

 private:
  /// As far as the widths allow the network begins as a transfer of colours, pixels of a cell each by itself, that
  /// gives a picture in its own style back: the features are the pixels, residual layers add nothing yet. What the
  /// widths leave over is free, and equal for all pixels of a shuffle (ICNR), so that there is no grid to begin with.
  void start_plain() {
    const torch::NoGradGuard no_grad;
    start_middle_plain();
    repeat_for_pixel_shuffle(wide_->conv_layer->weight, 2);
    repeat_for_pixel_shuffle(shuffled_->conv_layer->weight, 2);
    wide_->conv_layer->bias.zero_();
    shuffled_->conv_layer->bias.zero_();
    last_->conv_layer->bias.zero_();
    pass_on(last_->conv_layer->weight, 3, [](int i) { return i; });
    const int pixels = 3 * cell * cell;
    if (width_ < pixels || tail_width_ < 12) return;
    for (const char* encoder : {"content_encoder.", "style_encoder."}) {
      const auto parameters = named_parameters();
      pass_on(parameters[encoder + std::string("enc1.1.conv_layer.weight")], pixels, [](int i) { return i; });
      parameters[encoder + std::string("enc1.1.conv_layer.bias")].narrow(0, 0, pixels).zero_();
    }
    // Output o of the first shuffle is the place (o / 2 % 2, o % 2) of the features o / 4, which are the colours and
    // the places of the second: 4 * colour + 2 * row + column.
    pass_on(wide_->conv_layer->weight, pixels, [](int o) {
      const int feature = o / 4, colour = feature / 4;
      const int row = 2 * (o / 2 % 2) + feature / 2 % 2, column = 2 * (o % 2) + feature % 2;
      return (colour * cell + row) * cell + column;
    });
    pass_on(shuffled_->conv_layer->weight, 12, [](int i) { return i; });
  }
  /// The first `count` outputs are inputs, nearly as they are: all weights must get a gradient.
  static void pass_on(Tensor weight, int count, const std::function<int(int)>& source) {
    weight.narrow(0, 0, count).mul_(0.01);
    for (int i = 0; i < count; ++i) weight[i][source(i)][1][1] = 1;
  }

  int width_, tail_width_;
  ConvLayer wide_{nullptr}, shuffled_{nullptr}, last_{nullptr};
};

std::optional<Detected> detect(const StateDict& weights) {
  const Tensor* first = weights.find("content_encoder.enc1.1.conv_layer.weight");
  if (!first || !weights.contains("decoder.shuffled.conv_layer.weight")) return std::nullopt;
  return Detected{
      {{"width", first->size(0)}, {"tail_width", conv_weight(weights, "decoder.wide.conv_layer").size(0) / 4}},
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
