// R3GAN's generator (Huang et al. 2024, "The GAN is dead; long live the GAN!"): residual blocks of grouped convolutions
// without norms.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/equalised.hpp"
#include "nn/paths.hpp"
#include "nn/r3gan_blocks.hpp"
#include "nn/r3gan_layout.hpp"

namespace ganvas::r3gan_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// Learnt 4x4 features, scaled by what a linear layer makes of the noise.
class Basis final : public nn::Module {
 public:
  Basis(int in, int channels) {
    WeightBudget::spend(static_cast<std::int64_t>(in) * channels);
    basis_ = register_parameter("Basis", torch::randn({channels, 4, 4}));
    linear_ = register_module("LinearLayer", nn::Linear(nn::LinearOptions(in, channels).bias(false)));
    const torch::NoGradGuard no_grad;
    linear_->weight.normal_(0, 1.0 / std::sqrt(static_cast<double>(in)));
  }
  Tensor forward(const Tensor& noise) { return basis_ * linear_->forward(noise).unsqueeze(-1).unsqueeze(-1); }

 private:
  Tensor basis_;
  nn::Linear linear_{nullptr};
};

class R3Gan final : public NoiseGenerator {
 public:
  explicit R3Gan(const nlohmann::json& config)
      : noise_(positive(config, "noise", 64)),
        classes_(whole(config, "classes", 0)),
        embedding_(whole(config, "embedding", classes_ > 0 ? 64 : 0)),
        channels_(positive(config, "channels", 3)),
        stages_(r3gan_stages(config, {128, 128, 128, 96, 64})) {
    check_keys(config, {"noise", "classes", "embedding", "channels", "widths", "blocks", "group_width"});
    const std::vector<int>& widths = stages_.widths;
    const int inputs = noise_ + (classes_ > 0 ? embedding_ : 0);
    for (std::size_t s = 0; s < widths.size(); ++s) {
      const std::string stage = fmt::format("MainLayers.{}.Layers.", s);
      Stage made;
      if (s == 0) basis_ = register_at(*this, stage + "0", std::make_shared<Basis>(inputs, widths[0]));
      else if (widths[s] != widths[s - 1])
        made.change = r3gan::add_pointwise(*this, stage + "0.LinearLayer", widths[s - 1], widths[s]);
      made.blocks = r3gan::add_blocks(*this, stage, 1, stages_, s);
      parts_.push_back(std::move(made));
    }
    aggregate_ = r3gan::add_pointwise(*this, "AggregationLayer", widths.back(), channels_);
    if (classes_ > 0) {
      embed_ = register_module("EmbeddingLayer", nn::Linear(nn::LinearOptions(classes_, embedding_).bias(false)));
      const torch::NoGradGuard no_grad;
      embed_->weight.normal_();
    }
  }

  NoiseGeneratorInfo info() const override {
    const int side = 4 << (stages_.widths.size() - 1);
    return {.noise = noise_, .classes = classes_, .channels = channels_, .height = side, .width = side};
  }
  Tensor map(const Tensor& noise, const Tensor& classes) override {
    return (embed_ ? torch::cat({noise, embed_->forward(classes)}, 1) : noise).unsqueeze(1);
  }
  Tensor synthesise(const Tensor& styles, LayerNoise) override {
    Tensor x = basis_->forward(styles.select(1, 0));
    for (std::size_t s = 0; s < parts_.size(); ++s) {
      if (parts_[s].change) x = parts_[s].change->forward(x);
      if (s > 0) x = enlarge_filtered(x);
      for (auto& block : parts_[s].blocks) x = block->forward(x);
    }
    return aggregate_->forward(x).to(torch::kFloat);
  }
  std::string architecture() const override { return "r3gan"; }
  nlohmann::json config() const override {
    return {{"noise", noise_},
            {"classes", classes_},
            {"embedding", embedding_},
            {"channels", channels_},
            {"widths", stages_.widths},
            {"blocks", stages_.blocks},
            {"group_width", stages_.group_width}};
  }

 private:
  struct Stage {
    nn::Conv2d change{nullptr};
    std::vector<std::shared_ptr<r3gan::ResidualBlock>> blocks{};
  };
  int noise_, classes_, embedding_, channels_;
  r3gan::Stages stages_;
  std::shared_ptr<Basis> basis_;
  std::vector<Stage> parts_;
  nn::Conv2d aggregate_{nullptr};
  nn::Linear embed_{nullptr};
};

std::optional<Detected> detect(const StateDict& file) {
  StateDict weights = without_r3gan_wrapper(file);
  const Tensor* first = weights.find("MainLayers.0.Layers.0.LinearLayer.weight");
  if (!first || first->dim() != 2 || !weights.contains("AggregationLayer.Layer.weight")) return std::nullopt;
  nlohmann::json config = r3gan_config(weights, /*first_block=*/1);
  const Tensor* embed = weights.find("EmbeddingLayer.weight");
  const bool conditional = embed && embed->dim() == 2;
  config["noise"] = first->size(1) - (conditional ? embed->size(0) : 0);
  if (conditional) {
    config["classes"] = embed->size(1);
    config["embedding"] = embed->size(0);
  }
  config["channels"] = conv_weight(weights, "AggregationLayer.Layer").size(0);
  return Detected{std::move(config), std::move(weights), "R3GAN"};
}

}  // namespace

NoiseGeneratorPlugin plugin() {
  return {.name = "r3gan",
          .summary = "R3GAN: residual blocks of grouped convolutions, no norms (Huang et al. 2024)",
          .order = 20,
          .detect = detect,
          .make = [](const nlohmann::json& config) -> NoiseGeneratorPtr { return std::make_shared<R3Gan>(config); },
          .examples = {{{"noise", 6}, {"widths", {16, 16, 8}}, {"blocks", {2, 1, 1}}, {"group_width", 8}},
                       {{"noise", 6},
                        {"widths", {8, 8}},
                        {"blocks", {1, 1}},
                        {"group_width", 8},
                        {"classes", 3},
                        {"embedding", 4},
                        {"channels", 1}}}};
}

}  // namespace ganvas::r3gan_plugin
