// RCAN (Zhang et al. 2018): groups of residual blocks, each block scaled by an attention over its channels.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/config.hpp"
#include "nn/edsr_frame.hpp"
#include "nn/token_blocks.hpp"

namespace ganvas::rcan_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

struct Options {
  explicit Options(const nlohmann::json& config)
      : channels(positive(config, "channels", 64)),
        groups(positive(config, "groups", 10)),
        blocks(positive(config, "blocks", 20)),
        reduction(positive(config, "reduction", 16)),
        res_scale(real(config, "res_scale", 1.0)) {
    if (reduction > channels)
      fail(ErrorKind::recipe, "reduction: {} leaves nothing of {} channels", reduction, channels);
  }
  int channels, groups, blocks, reduction;
  double res_scale;
};

class AttentionBlockImpl final : public nn::Module {
 public:
  explicit AttentionBlockImpl(const Options& options)
      : conv1_(make_conv(options.channels, options.channels)),
        conv2_(make_conv(options.channels, options.channels)),
        attention_(options.channels, options.channels / options.reduction),
        res_scale_(options.res_scale) {
    register_module("rcab", nn::Sequential(conv1_, nn::ReLU(), conv2_, attention_));
  }
  Tensor forward(const Tensor& x) {
    const Tensor y = attention_->forward(conv2_->forward(relu_of(conv1_->forward(x))));
    return torch::add(x, y, res_scale_);
  }

 private:
  nn::Conv2d conv1_, conv2_;
  ChannelAttention attention_;
  double res_scale_;
};
TORCH_MODULE(AttentionBlock);

class GroupImpl final : public nn::Module {
 public:
  explicit GroupImpl(const Options& options) {
    for (int i = 0; i < options.blocks; ++i) blocks_->push_back(AttentionBlock(options));
    register_module("residual_group", blocks_);
    conv_ = register_module("conv", make_conv(options.channels, options.channels));
  }
  Tensor forward(const Tensor& x) { return x + conv_->forward(blocks_->forward(x)); }

 private:
  nn::Sequential blocks_;
  nn::Conv2d conv_{nullptr};
};
TORCH_MODULE(Group);

class Rcan final : public EdsrFrame {
 public:
  explicit Rcan(const nlohmann::json& config) : Rcan(config, Options(config)) {
    check_keys(config, {"in_channels", "channels", "groups", "blocks", "reduction", "scale", "res_scale", "value_range",
                        "img_range", "mean", "unshuffle"});
  }
  GeneratorInfo info() const override {
    GeneratorInfo info = EdsrFrame::info();
    info.global = true;
    return info;
  }
  std::string architecture() const override { return "rcan"; }
  nlohmann::json config() const override {
    nlohmann::json config = EdsrFrame::config();
    config["groups"] = options_.groups;
    config["blocks"] = options_.blocks;
    config["reduction"] = options_.reduction;
    return config;
  }

 private:
  Rcan(const nlohmann::json& config, const Options& options)
      : EdsrFrame(
            config, body(options),
            static_cast<int>(std::min<std::int64_t>(std::int64_t{options.groups} * (2 * options.blocks + 1), 1 << 24))),
        options_(options) {}

  static nn::Sequential body(const Options& options) {
    nn::Sequential body;
    for (int i = 0; i < options.groups; ++i) body->push_back(Group(options));
    return body;
  }

  Options options_;
};

/// The authors' name of a layer of the body to ours.
std::string own_name(const std::vector<std::string>& parts) {
  const bool in_group = parts.size() >= 5 && parts[2] == "body";
  if (in_group && parts.size() == 5) return fmt::format("body.{}.conv.{}", parts[1], parts[4]);
  if (in_group && parts.size() == 7 && parts[4] == "body")
    return fmt::format("body.{}.residual_group.{}.rcab.{}.{}", parts[1], parts[3], parts[5], parts[6]);
  if (in_group && parts.size() == 9 && parts[5] == "3" && parts[6] == "conv_du" && (parts[7] == "0" || parts[7] == "2"))
    return fmt::format("body.{}.residual_group.{}.rcab.3.attention.{}.{}", parts[1], parts[3], parts[7] == "0" ? 1 : 3,
                       parts[8]);
  return fmt::format("{}", fmt::join(parts, "."));
}

std::optional<Detected> detect(const StateDict& weights) {
  if (!weights.contains("body.0.body.0.body.3.conv_du.0.weight") &&
      !weights.contains("body.0.residual_group.0.rcab.3.attention.1.weight"))
    return std::nullopt;
  auto found = read_edsr_frame(weights, own_name);
  if (!found) return std::nullopt;
  const std::int64_t channels = found->config["channels"].get<std::int64_t>();
  const std::int64_t squeezed = conv_weight(found->own, "body.0.residual_group.0.rcab.3.attention.1").size(0);
  const std::int64_t reduction = squeezed > 0 ? channels / squeezed : 0;
  if (reduction < 1 || channels / reduction != squeezed)
    fail(ErrorKind::model, "no reduction of {} channels gives the {} of its attention", channels, squeezed);
  found->config["reduction"] = reduction;
  found->config["res_scale"] = 1.0;
  found->config["groups"] = count_layers(found->own, "body.", ".residual_group.0.rcab.0.weight");
  found->config["blocks"] = count_layers(found->own, "body.0.residual_group.", ".rcab.0.weight");
  return Detected{found->config, std::move(found->own), found->official ? "RCAN (authors')" : "BasicSR"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {
      .name = "rcan",
      .summary = "RCAN: residual groups with channel attention (Zhang et al. 2018)",
      .order = 40,
      .detect = detect,
      .make = [](const nlohmann::json& config) { return std::make_shared<Rcan>(config); },
      .examples = {{{"channels", 8}, {"groups", 2}, {"blocks", 1}, {"reduction", 4}, {"scale", 2}},
                   {{"channels", 8}, {"groups", 1}, {"blocks", 2}, {"reduction", 2}, {"scale", 3}},
                   {{"channels", 4}, {"groups", 1}, {"blocks", 1}, {"reduction", 4}, {"in_channels", 1}},
                   {{"channels", 4}, {"groups", 1}, {"blocks", 1}, {"reduction", 4}, {"scale", 2}, {"unshuffle", 2}}}};
}

}  // namespace ganvas::rcan_plugin
