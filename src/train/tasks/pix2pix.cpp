// Translation between paired pictures (pix2pix, Isola et al. 2017): a generator and a discriminator that sees input and
// result together, with an L1 loss; by option a perceptual loss and feature matching (pix2pixHD, Wang et al. 2018).
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/metric/lattice.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "train/criteria/criteria.hpp"
#include "train/data/translation_data.hpp"
#include "train/game/adversarial_task.hpp"

namespace ganvas::pix2pix_plugin {

namespace {

using torch::Tensor;

// The published order is discriminator first, with one pass of the generator for both. Here the generator's pass comes
// first, so that its graph need not outlive the other's update: the same game, half a step apart.
class Pix2Pix final : public AdversarialTask {
 public:
  explicit Pix2Pix(TaskContext context)
      : AdversarialTask(std::move(context), {.paired = true}),
        generator_(add_generator("generator", "unet")),
        info_(generator_->info()),
        data_(context_, /*paired=*/true, info_) {
    if (info_.scale != 1)
      fail(ErrorKind::recipe, "{}: generator {} enlarges; translation needs one of scale 1", context_.recipe.name(),
           generator_->architecture());
    add_adversary("discriminator", info_.in_channels + info_.out_channels, data_.crop(), info_.value_low);
    criteria_.emplace(context_, info_, 100.0);
    check_teaches(!criteria_->empty());
  }

  void load_data() override {
    data_.load();
    data_.keep_palettes(*generator_);
  }
  Batch make_batch(std::int64_t index) const override { return data_.batch(index); }

  /// l1: mean absolute difference, pictures in [0, 1] (a generator that takes palettes is told the target's); lattice:
  /// of the results, relative to that of their partners; flicker: see flicker_of().
  Scalars validate() override {
    if (data_.validation().empty()) return {};
    double sum = 0, lattice = 0, real_lattice = 0, flicker = 0;
    for (const auto& pair : data_.validation()) {
      const Image result = generated_picture(*generator_, pair.a, context_.device);
      sum += pixel_loss("l1", tensor_from_image(result.pixels), tensor_from_image(pair.b.pixels)).item<double>();
      lattice += lattice_index(result);
      real_lattice += lattice_index(pair.b);
      flicker += flicker_of(*generator_, pair.a, result, context_.device);
    }
    const auto count = static_cast<double>(data_.validation().size());
    return {{"l1", sum / count}, {"lattice", lattice / real_lattice}, {"flicker", flicker / count}};
  }
  double score(const Scalars& validation) const override { return -validation.at("l1"); }
  std::vector<SampleRow> preview() override {
    return data_.preview(
        {{"input", [this](const TranslationPair& pair) { return data_.picture_of_a(pair); }},
         {"result",
          [this](const TranslationPair& pair) { return generated_picture(*generator_, pair.a, context_.device); }},
         {"target", [](const TranslationPair& pair) { return pair.b; }}});
  }

 private:
  /// Input and result as one picture of more channels: the discriminator's condition.
  static Tensor with_input(const Batch& batch, const Tensor& b) { return torch::cat({batch.at("a"), b}, 1); }

  std::vector<Contest> contests(const Batch& batch) override {
    const Tensor& a = batch.at("a");
    const Tensor fake = fake_of(a, [&] { return generate(context_, *generator_, a); });
    return {{with_input(batch, batch.at("b")), with_input(batch, fake)}};
  }

  Terms generator_terms(const Batch& batch, Scalars&) override {
    const Tensor real = batch.at("b"), fake = generate(context_, *generator_, batch.at("a"));
    keep(batch.at("a"), fake);
    Terms terms = (*criteria_)(fake, {real, real});
    hold_steady(terms, batch.at("a"), fake, [&](const Tensor& a) { return generate(context_, *generator_, a); });
    play(terms, 0, {with_input(batch, real), with_input(batch, fake)});
    return terms;
  }

  GeneratorPtr generator_;
  GeneratorInfo info_;
  TranslationData data_;
  std::optional<Criteria> criteria_;
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
