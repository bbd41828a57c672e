// Super-resolution: a generator with a pixel loss (SRResNet of Ledig et al. 2017, EDSR of Lim et al. 2017), by option a
// perceptual loss (Johnson et al. 2016) and an adversary (SRGAN of Ledig et al. 2017, ESRGAN of Wang et al. 2018,
// Real-ESRGAN of Wang et al. 2021).
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/loss/perceptual.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/train/adversary.hpp"
#include "train/backward.hpp"
#include "train/build_generator.hpp"
#include "train/generate.hpp"
#include "train/sr_data.hpp"

namespace ganvas::super_resolution_plugin {

namespace {

using torch::Tensor;

class SuperResolution final : public Task {
 public:
  explicit SuperResolution(TaskContext context)
      : context_(std::move(context)), generator_(build()), data_(context_, generator_->info().scale) {
    Recipe& recipe = context_.recipe;
    pixel_ = recipe.choice("loss.pixel", "l1", pixel_losses());
    pixel_weight_ = recipe.number("loss.pixel_weight", 1.0, 0.0, 1e6);
    luma_weight_ = recipe.number("loss.luma_weight", 0.0, 0.0, 1e6);
    perceptual_ = perceptual_from_recipe(recipe, "perceptual", context_.find_model, context_.device);
    if (recipe.flag("adversarial.on", false))
      adversary_ =
          std::make_unique<Adversary>(context_, "discriminator", generator_->info().out_channels, data_.hr_crop());
    else if (recipe.has("adversarial.on"))
      // Switched off on purpose: what else is said of it waits to be switched on again.
      for (const char* table :
           {"adversarial", "discriminator", "labels", "regulariser", "augment", "optimiser.discriminator"})
        recipe.table(table, {"on"});
    if (pixel_weight_ + luma_weight_ == 0 && !perceptual_ && !adversary_ && context_.find_model)
      fail(ErrorKind::recipe, "{}: loss.pixel_weight is 0 and nothing else is to be learnt from", recipe.name());
  }

  void load_data() override { data_.load(); }
  std::vector<Phase> phases() const override {
    std::vector<Phase> phases{{.name = "generator", .networks = {"generator"}}};
    if (adversary_) phases.push_back({.name = "discriminator", .networks = {"discriminator"}, .repeats = critics_});
    return phases;
  }
  std::vector<NamedNetwork> networks() const override {
    std::vector<NamedNetwork> networks{{"generator", generator_, true}};
    if (adversary_) networks.push_back(adversary_->network());
    return networks;
  }
  Batch make_batch(std::int64_t index) const override { return data_.batch(index); }
  void begin_step(std::int64_t step) override {
    fakes_.clear();
    if (adversary_) adversary_->begin_step(step);
  }

  Scalars accumulate(const Phase& phase, const Batch& batch, double weight) override {
    if (phase.name == "generator") return teach_generator(batch, weight);
    return adversary_->learn(batch.at("hr"), fake_of(batch.at("lr")), weight);
  }
  void after_update(const Phase& phase) override {
    if (phase.name == "discriminator") adversary_->clip_weights();
  }

  Scalars validate() override { return data_.validate(*generator_); }
  double score(const Scalars& validation) const override { return data_.score(validation); }
  std::vector<SampleRow> preview() override { return data_.preview(*generator_); }
  void raise_augmentation(double amount) override {
    if (adversary_) adversary_->raise_augmentation(amount);
  }
  StateDict state() const override { return adversary_ ? adversary_->state() : StateDict(); }
  void restore(const StateDict& state) override {
    if (adversary_) adversary_->restore(state);
  }
  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override {
    save_generator(path, *generator_, figures);
  }

 private:
  GeneratorPtr build() {
    Recipe& recipe = context_.recipe;
    GeneratorPtr generator = build_generator(context_, "compact");
    critics_ = static_cast<int>(recipe.integer("adversarial.repeats", 1, 1, 100));
    return generator;
  }

  /// N x C x H x W in [0,1] -> enlarged, in [0,1].
  Tensor enlarge(const Tensor& lr) {
    const GeneratorInfo info = generator_->info();
    return from_range(generate(context_, *generator_, to_range(lr, info)), info);
  }
  Tensor fake_of(const Tensor& lr) {
    return fakes_.of(lr, [&] { return enlarge(lr); });
  }

  Scalars teach_generator(const Batch& batch, double weight) {
    const Tensor sr = enlarge(batch.at("lr")), hr = batch.at("hr");
    if (adversary_) fakes_.keep(batch.at("lr"), sr);
    // Real-ESRGAN compares with a sharpened picture, but its discriminator sees the true one.
    const auto sharp = batch.find("sharp");
    const Tensor target = sharp == batch.end() ? hr : sharp->second;
    Terms terms;
    if (pixel_weight_ > 0) terms["pixel"] = pixel_weight_ * pixel_loss(pixel_, sr, target);
    // Papers measure luma, and eyes see it best.
    if (luma_weight_ > 0) terms["luma"] = luma_weight_ * pixel_loss(pixel_, luma_of(sr), luma_of(target));
    if (perceptual_) {
      const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
      terms.merge((*perceptual_)(sr, target));
    }
    if (adversary_ && adversary_->plays()) terms["adversarial"] = adversary_->judge(hr, sr);
    return backward(terms, weight);
  }

  TaskContext context_;
  int critics_ = 1;
  GeneratorPtr generator_;
  SrData data_;
  std::string pixel_;
  double pixel_weight_ = 1, luma_weight_ = 0;
  std::unique_ptr<PerceptualLoss> perceptual_;
  std::unique_ptr<Adversary> adversary_;
  StepFakes fakes_;
};

}  // namespace

TaskPlugin plugin() {
  return {.name = "super-resolution",
          .summary = "a generator with pixel, perceptual and adversarial losses",
          .make = [](TaskContext context) -> std::unique_ptr<Task> {
            return std::make_unique<SuperResolution>(std::move(context));
          }};
}

}  // namespace ganvas::super_resolution_plugin
