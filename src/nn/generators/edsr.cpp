// EDSR (Lim et al. 2017): residual blocks without batch normalisation.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/config.hpp"
#include "nn/edsr_frame.hpp"

namespace ganvas::edsr_plugin {

namespace {

class Edsr final : public EdsrFrame {
 public:
  explicit Edsr(const nlohmann::json& config)
      : EdsrFrame(config, body(config), 2 * positive(config, "blocks", 16)), blocks_(positive(config, "blocks", 16)) {
    check_keys(config, {"in_channels", "channels", "blocks", "scale", "res_scale", "value_range", "img_range", "mean",
                        "unshuffle"});
  }
  std::string architecture() const override { return "edsr"; }
  nlohmann::json config() const override {
    nlohmann::json config = EdsrFrame::config();
    config["blocks"] = blocks_;
    return config;
  }

 private:
  static torch::nn::Sequential body(const nlohmann::json& config) {
    torch::nn::Sequential body;
    for (int i = positive(config, "blocks", 16); i > 0; --i)
      body->push_back(ResidualBlock(positive(config, "channels", 64), real(config, "res_scale", 1.0)));
    return body;
  }

  int blocks_;
};

std::optional<Detected> detect(const StateDict& weights) {
  const bool official = weights.contains("body.0.body.0.weight") && weights.contains("body.0.body.2.weight");
  if (!official && !weights.contains("body.0.conv1.weight")) return std::nullopt;
  auto found = read_edsr_frame(weights, [](const std::vector<std::string>& parts) {
    // body.<i>.body.<0 or 2>.weight
    const bool layer = parts.size() == 5 && parts[2] == "body" && (parts[3] == "0" || parts[3] == "2");
    if (!layer) return fmt::format("{}", fmt::join(parts, "."));
    return fmt::format("body.{}.conv{}.{}", parts[1], parts[3] == "0" ? 1 : 2, parts[4]);
  });
  if (!found) return std::nullopt;
  const int blocks = count_layers(found->own, "body.", ".conv1.weight");
  found->config["blocks"] = blocks;
  // Not stored in files. The paper's large network, 32 blocks of 256 channels, is trained with 0.1 and all others
  // with 1.
  found->config["res_scale"] = blocks == 32 && found->config["channels"] == 256 ? 0.1 : 1.0;
  return Detected{found->config, std::move(found->own), found->official ? "EDSR-PyTorch" : "BasicSR"};
}

}  // namespace

GeneratorPlugin plugin() {
  return {.name = "edsr",
          .summary = "EDSR: residual blocks, pixel shuffle (Lim et al. 2017)",
          .order = 50,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<Edsr>(config); },
          .examples = {{{"channels", 8}, {"blocks", 2}, {"scale", 2}},
                       {{"channels", 8}, {"blocks", 1}, {"scale", 3}, {"in_channels", 1}},
                       {{"channels", 8}, {"blocks", 1}, {"scale", 4}},
                       {{"channels", 4}, {"blocks", 1}, {"scale", 8}},
                       {{"channels", 8}, {"blocks", 1}, {"scale", 1}}}};
}

}  // namespace ganvas::edsr_plugin
