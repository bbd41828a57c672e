// R3GAN's discriminator (Huang et al. 2024): the generator's blocks in reverse, conditional by projection.
#include <torch/torch.h>

#include <cmath>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/discriminator.hpp"
#include "nn/blocks.hpp"
#include "nn/config.hpp"
#include "nn/equalised.hpp"
#include "nn/paths.hpp"
#include "nn/r3gan_blocks.hpp"
#include "nn/r3gan_layout.hpp"

namespace ganvas::r3gan_discriminator_plugin {

namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// 4 x 4 features of each channel to one number, then linear.
class Last final : public nn::Module {
 public:
  Last(int channels, int out) {
    basis_ =
        register_module("Basis", nn::Conv2d(nn::Conv2dOptions(channels, channels, 4).groups(channels).bias(false)));
    linear_ = register_module("LinearLayer", nn::Linear(nn::LinearOptions(channels, out).bias(false)));
    const torch::NoGradGuard no_grad;
    basis_->weight.normal_(0, 0.25);
    linear_->weight.normal_(0, 1.0 / std::sqrt(static_cast<double>(channels)));
  }
  Tensor forward(const Tensor& x) { return linear_->forward(basis_->forward(x).flatten(1).to(torch::kFloat)); }

 private:
  nn::Conv2d basis_{nullptr};
  nn::Linear linear_{nullptr};
};

class R3GanDiscriminator final : public Discriminator {
 public:
  R3GanDiscriminator(const nlohmann::json& config, int size)
      : channels_(positive(config, "channels", 3)),
        classes_(whole(config, "classes", 0)),
        embedding_(positive(config, "embedding", 64)),
        stages_(r3gan_stages(config, {64, 96, 128, 128, 128})) {
    check_keys(config, {"channels", "classes", "embedding", "widths", "blocks", "group_width"});
    const std::vector<int>& widths = stages_.widths;
    const int side = 4 << (widths.size() - 1);
    if (size != side && size != any_size)
      fail(ErrorKind::recipe, "discriminator: {} widths are for pictures of {} pixels, not {}: the last is for 4x4",
           widths.size(), side, size);
    extract_ = r3gan::add_pointwise(*this, "ExtractionLayer", channels_, widths[0]);
    for (std::size_t s = 0; s < widths.size(); ++s) {
      const std::string stage = fmt::format("MainLayers.{}.Layers.", s);
      Stage made;
      made.blocks = r3gan::add_blocks(*this, stage, 0, stages_, s);
      const std::string behind = fmt::format("{}{}", stage, stages_.blocks[s]);
      if (s + 1 == widths.size())
        last_ = register_at(*this, behind, std::make_shared<Last>(widths[s], classes_ > 0 ? embedding_ : 1));
      else if (widths[s + 1] != widths[s])
        made.change = r3gan::add_pointwise(*this, behind + ".LinearLayer", widths[s], widths[s + 1]);
      parts_.push_back(std::move(made));
    }
    if (classes_ > 0) {
      embed_ = register_module("EmbeddingLayer", nn::Linear(nn::LinearOptions(classes_, embedding_).bias(false)));
      const torch::NoGradGuard no_grad;
      embed_->weight.normal_(0, 1.0 / std::sqrt(static_cast<double>(embedding_)));
    }
  }

  int classes() const override { return classes_; }
  Tensor forward(const Tensor& pictures) override { return given(pictures, mean_class(pictures)); }
  Tensor given(const Tensor& pictures, const Tensor& classes) override {
    const Tensor x = judged(pictures);
    if (classes_ == 0) return x.view({pictures.size(0)});
    return (x * embed_->forward(classes)).sum(1);
  }
  std::vector<Tensor> features(const Tensor& pictures) override {
    std::vector<Tensor> found;
    Tensor x = extract_->forward(pictures);
    for (std::size_t s = 0; s < parts_.size(); ++s) found.push_back(x = through(s, x));
    found.push_back(last_->forward(x));
    return found;
  }
  std::string architecture() const override { return "r3gan"; }
  nlohmann::json config() const override {
    return {{"channels", channels_},    {"classes", classes_},      {"embedding", embedding_},
            {"widths", stages_.widths}, {"blocks", stages_.blocks}, {"group_width", stages_.group_width}};
  }

 private:
  struct Stage {
    std::vector<std::shared_ptr<r3gan::ResidualBlock>> blocks{};
    nn::Conv2d change{nullptr};
  };
  Tensor through(std::size_t s, Tensor x) {
    for (auto& block : parts_[s].blocks) x = block->forward(x);
    if (s + 1 < parts_.size()) x = reduce_filtered(x);
    return parts_[s].change ? parts_[s].change->forward(x) : x;
  }
  Tensor judged(const Tensor& pictures) {
    Tensor x = extract_->forward(pictures);
    for (std::size_t s = 0; s < parts_.size(); ++s) x = through(s, x);
    return last_->forward(x);
  }

  int channels_, classes_, embedding_;
  r3gan::Stages stages_;
  nn::Conv2d extract_{nullptr};
  std::vector<Stage> parts_;
  std::shared_ptr<Last> last_;
  nn::Linear embed_{nullptr};
};

std::optional<Detected> detect(const StateDict& file) {
  StateDict weights = without_r3gan_wrapper(file);
  if (!weights.contains("ExtractionLayer.Layer.weight") ||
      !weights.contains("MainLayers.0.Layers.0.LinearLayer1.Layer.weight"))
    return std::nullopt;
  nlohmann::json config = r3gan_config(weights, /*first_block=*/0);
  config["channels"] = conv_weight(weights, "ExtractionLayer.Layer").size(1);
  if (const Tensor* embed = weights.find("EmbeddingLayer.weight"); embed && embed->dim() == 2) {
    config["classes"] = embed->size(1);
    config["embedding"] = embed->size(0);
  }
  return Detected{std::move(config), std::move(weights), "R3GAN"};
}

}  // namespace

DiscriminatorPlugin plugin() {
  return {.name = "r3gan",
          .summary = "R3GAN's discriminator: residual blocks without norms (Huang et al. 2024)",
          .make = [](const nlohmann::json& config, int size) -> DiscriminatorPtr {
            return std::make_shared<R3GanDiscriminator>(config, size);
          },
          .detect = detect,
          .example_size = 16,
          .examples = {{{"widths", {8, 8, 16}}, {"group_width", 8}},
                       {{"widths", {8, 16, 16}},
                        {"blocks", {1, 2, 1}},
                        {"group_width", 8},
                        {"classes", 3},
                        {"embedding", 4},
                        {"channels", 1}}}};
}

}  // namespace ganvas::r3gan_discriminator_plugin
