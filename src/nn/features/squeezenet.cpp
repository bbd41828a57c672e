// SqueezeNet 1.1 (Iandola et al. 2016) under torchvision's keys.
// Layers: conv1, relu1, pool1, fire2, fire3, pool3, fire4, fire5, pool5, fire6 ... fire9; those that LPIPS compares are
// also called tap1 (relu1), tap2 (fire3), tap3 (fire5), tap4 ... tap7 (fire6 ... fire9).
#include <torch/torch.h>

#include <algorithm>
#include <array>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/feature_blocks.hpp"

namespace ganvas::squeezenet_plugin {

namespace {

namespace nn = torch::nn;

/// Squeezes to few channels, then expands by 1x1 and 3x3 side by side.
class FireImpl : public nn::Module {
 public:
  FireImpl(int in, int squeezed, int expanded)
      : squeeze(make_conv(in, squeezed, 1)),
        expand1x1(make_conv(squeezed, expanded, 1)),
        expand3x3(make_conv(squeezed, expanded, 3)) {
    register_module("squeeze", squeeze);
    register_module("expand1x1", expand1x1);
    register_module("expand3x3", expand3x3);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor small = relu_of(squeeze->forward(x));
    return relu_of(torch::cat({expand1x1->forward(small), expand3x3->forward(small)}, 1));
  }
  nn::Conv2d squeeze, expand1x1, expand3x3;
};
TORCH_MODULE(Fire);

/// torchvision's index, name, squeezed channels, channels of each expansion.
struct FirePlace {
  int index;
  const char* name;
  int squeezed, expanded;
};
constexpr std::array<FirePlace, 8> fires{{{3, "fire2", 16, 64},
                                          {4, "fire3", 16, 64},
                                          {6, "fire4", 32, 128},
                                          {7, "fire5", 32, 128},
                                          {9, "fire6", 48, 192},
                                          {10, "fire7", 48, 192},
                                          {11, "fire8", 64, 256},
                                          {12, "fire9", 64, 256}}};
constexpr std::array<const char*, 7> taps{"relu1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9"};

class SqueezeNet final : public FeatureNetwork {
 public:
  explicit SqueezeNet(const nlohmann::json& config)
      : count_(positive(config, "fires", static_cast<int>(fires.size()))), norm_(input_norm(config)) {
    check_keys(config, {"fires", "input"});
    if (count_ > static_cast<int>(fires.size())) fail(ErrorKind::recipe, "fires: at most {}", fires.size());
    WeightBudget::spend(64 * 27);
    nn::Conv2d conv(nn::Conv2dOptions(3, 64, 3).stride(2));
    features_->register_module("0", conv);
    add_layer({"conv1", 64, [conv](const torch::Tensor& x, bool) mutable { return first_conv(conv, x); }, 3});
    add_layer({"relu1", 64, relu_step});
    int channels = 64;
    for (int i = 0; i < count_; ++i) channels = add_fire(fires[static_cast<std::size_t>(i)], channels);
    register_module("features", features_);
    for (std::size_t i = 0; i < taps.size(); ++i)
      if (has(taps[i])) add_alias(fmt::format("tap{}", i + 1), taps[i]);
  }

  std::string architecture() const override { return "squeezenet1_1"; }
  nlohmann::json config() const override { return {{"fires", count_}, {"input", input_norm_name(norm_)}}; }

  std::vector<std::string> lpips_layers() const override {
    if (!has(taps.back())) return {};
    return {taps.begin(), taps.end()};
  }

  std::vector<std::string> stages() const override {
    std::vector<std::string> names{"relu1"};
    for (int i = 0; i < count_; ++i) names.emplace_back(fires[static_cast<std::size_t>(i)].name);
    return names;
  }

 protected:
  torch::Tensor normalised(const torch::Tensor& images) const override { return normalise_input(images, norm_); }

 private:
  bool has(const std::string& layer) const {
    const auto names = layer_names();
    return std::find(names.begin(), names.end(), layer) != names.end();
  }

  int add_fire(const FirePlace& at, int channels) {
    // A pool stands before every fire whose index leaves a gap.
    if (at.index == 3 || at.index == 6 || at.index == 9)
      add_layer({fmt::format("pool{}", at.index == 3   ? 1
                                       : at.index == 6 ? 3
                                                       : 5),
                 channels, [](const torch::Tensor& x, bool) { return pool_ceil(x); }, 2});
    Fire fire(channels, at.squeezed, at.expanded);
    features_->register_module(std::to_string(at.index), fire);
    add_layer({at.name, 2 * at.expanded, [fire](const torch::Tensor& x, bool) mutable { return fire->forward(x); }});
    return 2 * at.expanded;
  }

  int count_;
  InputNorm norm_;
  std::shared_ptr<nn::Module> features_ = std::make_shared<nn::Module>("features");
};

std::optional<Detected> detect(const StateDict& weights) {
  const torch::Tensor* first = weights.find("features.0.weight");
  if (!first || !weights.contains("features.3.squeeze.weight")) return std::nullopt;
  if (first->dim() != 4 || first->size(0) != 64 || first->size(2) != 3)
    fail(ErrorKind::model, "its first convolution is not version 1.1's (64 channels, 3x3)");
  StateDict own;
  for (const auto& [key, tensor] : weights)
    if (key.starts_with("features.")) own.set(key, tensor);
  int count = 0;
  for (const auto& at : fires)
    if (own.contains(fmt::format("features.{}.squeeze.weight", at.index))) ++count;
  return Detected{{{"fires", count}}, own, "torchvision"};
}

}  // namespace

FeaturePlugin plugin() {
  return {.name = "squeezenet1_1",
          .summary = "SqueezeNet 1.1 (Iandola et al. 2016)",
          .order = 10,
          .detect = detect,
          .make = [](const nlohmann::json& config) { return std::make_shared<SqueezeNet>(config); },
          .examples = {nlohmann::json::object(), {{"fires", 2}, {"input", "plain"}}}};
}

}  // namespace ganvas::squeezenet_plugin
