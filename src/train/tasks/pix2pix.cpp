// Translation between paired pictures (pix2pix, Isola et al. 2017): a generator and a discriminator that sees input and
// result together, with an L1 loss; by option a perceptual loss and feature matching (pix2pixHD, Wang et al. 2018).
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/data/bridge.hpp"
#include "ganvas/loss/perceptual.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/train/adversary.hpp"
#include "train/backward.hpp"
#include "train/build_generator.hpp"
#include "train/generate.hpp"
#include "train/translation_data.hpp"

namespace ganvas::pix2pix_plugin {

namespace {

using torch::Tensor;

class Pix2Pix final : public Task {
 public:
  explicit Pix2Pix(TaskContext context)
      : context_(std::move(context)),
        generator_(build_generator(context_, "unet")),
        info_(generator_->info()),
        data_(context_, /*paired=*/true, info_),
        adversary_(context_, "discriminator", info_.in_channels + info_.out_channels, data_.crop(), info_.value_low) {
    Recipe& recipe = context_.recipe;
    pixel_ = recipe.choice("loss.pixel", "l1", pixel_losses());
    pixel_weight_ = recipe.number("loss.pixel_weight", 100.0, 0.0, 1e6);
    matching_weight_ = recipe.number("loss.feature_matching", 0.0, 0.0, 1e6);
    perceptual_ = perceptual_from_recipe(recipe, "perceptual", context_.find_model, context_.device);
    if (info_.scale != 1)
      fail(ErrorKind::recipe, "{}: generator {} enlarges; translation needs one of scale 1", recipe.name(),
           generator_->architecture());
    if (perceptual_ && info_.out_channels != 3)
      fail(ErrorKind::recipe, "{}: perceptual losses look at RGB; the generator gives {} channels", recipe.name(),
           info_.out_channels);
  }

  void load_data() override { data_.load(); }
  // The published order is discriminator first, with one pass of the generator for both. Here the generator's pass
  // comes first, so that its graph need not outlive the other's update: the same game, half a step apart.
  std::vector<Phase> phases() const override {
    return {{.name = "generator", .networks = {"generator"}}, {.name = "discriminator", .networks = {"discriminator"}}};
  }
  std::vector<NamedNetwork> networks() const override {
    return {{"generator", generator_, true}, adversary_.network()};
  }
  Batch make_batch(std::int64_t index) const override { return data_.batch(index); }
  void begin_step(std::int64_t step) override {
    fakes_.clear();
    adversary_.begin_step(step);
  }

  Scalars accumulate(const Phase& phase, const Batch& batch, double weight) override {
    if (phase.name == "generator") return teach_generator(batch, weight);
    return adversary_.learn(beside(batch, batch.at("b")), beside(batch, fake_of(batch.at("a"))), weight);
  }
  void after_update(const Phase& phase) override {
    if (phase.name == "discriminator") adversary_.clip_weights();
  }

  /// l1: mean absolute difference, pictures in [0, 1].
  Scalars validate() override {
    if (data_.validation().empty()) return {};
    double sum = 0;
    for (const auto& pair : data_.validation()) {
      const Image result = generated_picture(*generator_, pair.a, context_.device);
      sum += pixel_loss("l1", tensor_from_image(result.pixels), tensor_from_image(pair.b.pixels)).item<double>();
    }
    return {{"l1", sum / static_cast<double>(data_.validation().size())}};
  }
  double score(const Scalars& validation) const override { return -validation.at("l1"); }
  std::vector<SampleRow> preview() override {
    return data_.preview(
        {{"input", [](const TranslationPair& pair) { return pair.a; }},
         {"result",
          [this](const TranslationPair& pair) { return generated_picture(*generator_, pair.a, context_.device); }},
         {"target", [](const TranslationPair& pair) { return pair.b; }}});
  }
  void raise_augmentation(double amount) override { adversary_.raise_augmentation(amount); }
  StateDict state() const override { return adversary_.state(); }
  void restore(const StateDict& state) override { adversary_.restore(state); }
  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override {
    save_generator(path, *generator_, figures);
  }

 private:
  Tensor translate(const Tensor& x) { return generate(context_, *generator_, x); }
  Tensor fake_of(const Tensor& a) {
    return fakes_.of(a, [&] { return translate(a); });
  }
  /// Input and result as one picture of more channels: the discriminator's condition.
  static Tensor beside(const Batch& batch, const Tensor& b) { return torch::cat({batch.at("a"), b}, 1); }

  Scalars teach_generator(const Batch& batch, double weight) {
    const Tensor real = batch.at("b"), fake = translate(batch.at("a"));
    fakes_.keep(batch.at("a"), fake);
    Terms terms;
    if (pixel_weight_ > 0) terms["pixel"] = pixel_weight_ * pixel_loss(pixel_, fake, real);
    if (perceptual_) {
      const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
      terms.merge((*perceptual_)(from_range(fake, info_), from_range(real, info_)));
    }
    if (adversary_.plays()) terms["adversarial"] = adversary_.judge(beside(batch, real), beside(batch, fake));
    if (matching_weight_ > 0)
      terms["matching"] = matching_weight_ * adversary_.feature_distance(beside(batch, real), beside(batch, fake));
    return backward(terms, weight);
  }

  TaskContext context_;
  GeneratorPtr generator_;
  GeneratorInfo info_;
  TranslationData data_;
  Adversary adversary_;
  std::string pixel_;
  double pixel_weight_ = 100, matching_weight_ = 0;
  std::unique_ptr<PerceptualLoss> perceptual_;
  StepFakes fakes_;
};

}  // namespace

TaskPlugin plugin() {
  return {.name = "pix2pix",
          .summary = "translation between paired pictures",
          .make = [](TaskContext context) -> std::unique_ptr<Task> {
            return std::make_unique<Pix2Pix>(std::move(context));
          }};
}

}  // namespace ganvas::pix2pix_plugin
