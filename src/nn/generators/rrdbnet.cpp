// RRDBNet of ESRGAN (Wang et al. 2018): residual-in-residual dense blocks at low resolution, then nearest-neighbour
// enlargements with a convolution each. ESRGAN+ (Rakotonirina and Rasoanaivo 2020) adds residuals inside the dense
// blocks; Real-ESRGAN (Wang et al. 2021) makes x2 and x1 of the x4 network by a pixel unshuffle of the input.
#include <torch/torch.h>

#include <map>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/mixed.hpp"

namespace ganvas::rrdbnet_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

Tensor lrelu(Tensor x) { return leaky_relu_of(std::move(x), 0.2); }

class DenseBlockImpl final : public nn::Module {
 public:
  DenseBlockImpl(int channels, int growth, bool plus) {
    for (int i = 0; i < 5; ++i) {
      convs_.push_back(make_conv(channels + i * growth, i < 4 ? growth : channels));
      init_he(convs_.back(), 0.1);
      register_module(fmt::format("conv{}", i + 1), convs_.back());
    }
    if (plus) conv1x1_ = register_module("conv1x1", make_conv(channels, growth, 1, false));
  }

  Tensor forward(const Tensor& x) {
    const Tensor x1 = lrelu(convs_[0]->forward(x));
    Tensor x2 = lrelu(convs_[1]->forward(torch::cat({x, x1}, 1)));
    if (conv1x1_) x2 = x2 + conv1x1_->forward(x);
    const Tensor x3 = lrelu(convs_[2]->forward(torch::cat({x, x1, x2}, 1)));
    Tensor x4 = lrelu(convs_[3]->forward(torch::cat({x, x1, x2, x3}, 1)));
    if (conv1x1_) x4 = x4 + x2;
    return torch::add(x, convs_[4]->forward(torch::cat({x, x1, x2, x3, x4}, 1)), 0.2);
  }

 private:
  std::vector<nn::Conv2d> convs_;
  nn::Conv2d conv1x1_{nullptr};
};
TORCH_MODULE(DenseBlock);

class ResidualDenseBlocksImpl final : public nn::Module {
 public:
  ResidualDenseBlocksImpl(int channels, int growth, bool plus) {
    for (int i = 1; i <= 3; ++i)
      blocks_.push_back(register_module(fmt::format("rdb{}", i), DenseBlock(channels, growth, plus)));
  }
  Tensor forward(const Tensor& x) {
    Tensor y = x;
    for (auto& block : blocks_) y = block->forward(y);
    return torch::add(x, y, 0.2);
  }

 private:
  std::vector<DenseBlock> blocks_;
};
TORCH_MODULE(ResidualDenseBlocks);

class RrdbNet final : public Generator {
 public:
  explicit RrdbNet(const nlohmann::json& config)
      : in_(positive(config, "in_channels", 3)),
        out_(positive(config, "out_channels", in_)),
        channels_(positive(config, "channels", 64)),
        blocks_(positive(config, "blocks", 23)),
        growth_(positive(config, "growth", 32)),
        scale_(positive(config, "scale", 4)),
        unshuffle_(positive(config, "unshuffle", 1)) {
    check_keys(config, {"in_channels", "out_channels", "channels", "blocks", "growth", "scale", "unshuffle", "plus"});
    if (config.contains("plus")) {
      if (!config.at("plus").is_boolean())
        fail(ErrorKind::recipe, "plus: {} is not true or false", config.at("plus").dump());
      plus_ = config.at("plus").get<bool>();
    }
    if (unshuffle_ != 1 && unshuffle_ != 2 && unshuffle_ != 4)
      fail(ErrorKind::recipe, "unshuffle: {} is not 1, 2 or 4", unshuffle_);
    check_scale(scale_);
    if (scale_ == 3 && unshuffle_ != 1) fail(ErrorKind::recipe, "scale 3 goes with unshuffle 1 only");
    steps_ = upsampler_steps(scale_ * unshuffle_);

    first_ = register_module("conv_first", make_conv(in_ * unshuffle_ * unshuffle_, channels_));
    for (int i = 0; i < blocks_; ++i) body_->push_back(ResidualDenseBlocks(channels_, growth_, plus_));
    register_module("body", body_);
    after_body_ = register_module("conv_body", make_conv(channels_, channels_));
    for (std::size_t i = 0; i < steps_.size(); ++i)
      ups_.push_back(register_module(fmt::format("conv_up{}", i + 1), make_conv(channels_, channels_)));
    hr_ = register_module("conv_hr", make_conv(channels_, channels_));
    last_ = register_module("conv_last", make_conv(channels_, out_));
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = input;
    if (unshuffle_ > 1) x = torch::pixel_unshuffle(pad_to_multiple(input, unshuffle_), unshuffle_);
    x = input_conv(first_, x);
    x = x + after_body_->forward(body_->forward(x));
    for (std::size_t i = 0; i < ups_.size(); ++i) x = lrelu(ups_[i]->forward(enlarge_nearest(x, steps_[i])));
    x = output_conv(last_, lrelu(hr_->forward(x)));
    if (unshuffle_ == 1) return x;
    return cut_to(x, input, scale_);
  }

  GeneratorInfo info() const override {
    return {.scale = scale_,
            .in_channels = in_,
            .out_channels = out_,
            .multiple = unshuffle_,
            .halo = halo(),
            // At the end two or three times the features, before that the parts of a dense block.
            .live_values = std::max(3 * channels_ * scale_ * scale_, 4 * channels_ + 8 * growth_)};
  }
  std::string architecture() const override { return "rrdbnet"; }
  nlohmann::json config() const override {
    return {{"in_channels", in_}, {"out_channels", out_}, {"channels", channels_},   {"blocks", blocks_},
            {"growth", growth_},  {"scale", scale_},      {"unshuffle", unshuffle_}, {"plus", plus_}};
  }

 private:
  /// With an unshuffle the reach depends on where in its cell of unshuffle x unshuffle pixels an output pixel lies;
  /// this is the largest over all of them, towards the left. The right is its mirror image.
  int halo() const {
    const int body = 15 * blocks_ + 2;
    int most = 0;
    for (int at = 0; at < scale_ * unshuffle_; ++at) {
      // A cell far from the border, so that no division is of a negative number.
      const int cell = 2 * body;
      int reached = cell * scale_ * unshuffle_ + at - 2;
      for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) reached = (reached - 1) / *step;
      reached -= body;
      most = std::max(most, cell * unshuffle_ + at / scale_ - reached * unshuffle_);
    }
    return most;
  }

  int in_, out_, channels_, blocks_, growth_, scale_, unshuffle_;
  bool plus_ = false;
  std::vector<int> steps_;  ///< of the enlargements
  nn::Conv2d first_{nullptr}, after_body_{nullptr}, hr_{nullptr}, last_{nullptr};
  nn::Sequential body_;
  std::vector<nn::Conv2d> ups_;
};

/// Number of enlargements in the old layout, whose last two convolutions are model.{3n+2} and model.{3n+4}.
int old_ups(const StateDict& weights) {
  for (int n = 0; n <= 6; ++n)
    if (weights.contains(fmt::format("model.{}.weight", 3 * n + 2)) &&
        weights.contains(fmt::format("model.{}.weight", 3 * n + 4)))
      return n;
  fail(ErrorKind::model, "its last convolutions are missing");
}

/// Layouts before Real-ESRGAN's to that one. The oldest is one flat torch.nn.Sequential.
StateDict to_own_names(const StateDict& weights, bool old) {
  std::map<std::string, std::string> stems{{"trunk_conv", "conv_body"}, {"HRconv", "conv_hr"}};
  for (int i = 1; i <= 6; ++i) stems[fmt::format("upconv{}", i)] = fmt::format("conv_up{}", i);
  if (old) {
    const int ups = old_ups(weights);
    stems = {{"model.0", "conv_first"},
             {fmt::format("model.{}", 3 * ups + 2), "conv_hr"},
             {fmt::format("model.{}", 3 * ups + 4), "conv_last"}};
    for (int i = 1; i <= ups; ++i) stems[fmt::format("model.{}", 3 * i)] = fmt::format("conv_up{}", i);
    // The shortcut's last element, after the blocks.
    int blocks = 0;
    while (weights.has_prefix(fmt::format("model.1.sub.{}.RDB1.", blocks))) ++blocks;
    stems[fmt::format("model.1.sub.{}", blocks)] = "conv_body";
  }
  const std::string trunk = old ? "model.1.sub." : "RRDB_trunk.";
  return renamed(weights, [&](const std::string& key) {
    const std::size_t dot = key.rfind('.');
    if (dot == std::string::npos) return key;
    if (const auto stem = stems.find(key.substr(0, dot)); stem != stems.end()) return stem->second + key.substr(dot);
    if (!key.starts_with(trunk)) return key;
    // <block>.RDB<j>.conv<k>[.0].weight; the 0 since a convolution was a sequence with its activation.
    const std::vector<std::string> parts = key_parts(key.substr(trunk.size()));
    const std::size_t expected = old && parts.size() == 5 && parts[3] == "0" ? 5 : 4;
    if (parts.size() != expected || !parts[1].starts_with("RDB")) return key;
    return fmt::format("body.{}.rdb{}.{}.{}", parts[0], parts[1].substr(3), parts[2], parts.back());
  });
}

std::optional<Detected> detect(const StateDict& weights) {
  StateDict own;
  std::string layout;
  if (weights.contains("model.0.weight") && weights.has_prefix("model.1.sub.0.RDB1.conv1")) {
    own = to_own_names(weights, true);
    layout = "ESRGAN (old)";
  } else if (weights.contains("conv_first.weight") && weights.contains("RRDB_trunk.0.RDB1.conv1.weight")) {
    own = to_own_names(weights, false);
    layout = "ESRGAN, BSRGAN";
  } else if (weights.contains("conv_first.weight") && weights.contains("body.0.rdb1.conv1.weight")) {
    own = weights;
    layout = "Real-ESRGAN";
  } else {
    return std::nullopt;
  }
  const bool plus = own.contains("body.0.rdb1.conv1x1.weight");
  if (plus) layout = "ESRGAN+";
  const Tensor& first = conv_weight(own, "conv_first");
  const std::int64_t in = first.size(1), out = conv_weight(own, "conv_last").size(0);
  int ups = 0;
  while (ups < 12 && own.contains(fmt::format("conv_up{}.weight", ups + 1))) ++ups;
  const int unshuffle = in == 16 * out ? 4 : in == 4 * out ? 2 : 1;
  if ((1 << ups) < unshuffle)
    fail(ErrorKind::model, "{} enlargements after an input reduced {} times make it smaller", ups, unshuffle);
  return Detected{{{"in_channels", in / (unshuffle * unshuffle)},
                   {"out_channels", out},
                   {"channels", first.size(0)},
                   {"blocks", count_layers(own, "body.", ".rdb1.conv1.weight")},
                   {"growth", conv_weight(own, "body.0.rdb1.conv1").size(0)},
                   {"scale", (1 << ups) / unshuffle},
                   {"unshuffle", unshuffle},
                   {"plus", plus}},
                  std::move(own),
                  layout};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "rrdbnet",
          .summary = "RRDBNet: residual dense blocks (ESRGAN, Wang et al. 2018; also Real-ESRGAN, BSRGAN, ESRGAN+)",
          .order = 20,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<RrdbNet>(config); },
          .examples = {{{"channels", 8}, {"blocks", 1}, {"growth", 4}, {"scale", 4}},
                       {{"channels", 8}, {"blocks", 2}, {"growth", 4}, {"scale", 2}, {"unshuffle", 2}},
                       {{"channels", 8}, {"blocks", 1}, {"growth", 4}, {"scale", 1}, {"unshuffle", 4}},
                       {{"channels", 8}, {"blocks", 1}, {"growth", 4}, {"scale", 1}, {"in_channels", 1}},
                       {{"channels", 6}, {"blocks", 1}, {"growth", 3}, {"scale", 2}, {"plus", true}},
                       {{"channels", 4}, {"blocks", 1}, {"growth", 4}, {"scale", 8}}}};
}

}  // namespace ganvas::rrdbnet_plugin
