// Super-resolution: a generator with a pixel loss (SRResNet of Ledig et al. 2017, EDSR of Lim et al. 2017), by option a
// perceptual loss (Johnson et al. 2016) and an adversary (SRGAN of Ledig et al. 2017, ESRGAN of Wang et al. 2018,
// Real-ESRGAN of Wang et al. 2021).
#include <torch/torch.h>

#include "train/criteria/criteria.hpp"
#include "train/data/sr_data.hpp"
#include "train/game/adversarial_task.hpp"

namespace ganvas::super_resolution_plugin {

namespace {

using torch::Tensor;

/// Pictures go to the losses in [0, 1], whatever the network's range.
GeneratorInfo unit_range(GeneratorInfo info) {
  info.value_low = 0;
  info.value_range = 1;
  return info;
}

class SuperResolution final : public AdversarialTask {
 public:
  explicit SuperResolution(TaskContext context)
      : AdversarialTask(std::move(context), {.on = false, .paired = true}),
        generator_(add_generator("generator", "compact")),
        info_(generator_->info()),
        data_(context_, info_),
        criteria_(context_, unit_range(info_), 1.0) {
    add_adversary("discriminator", info_.out_channels, data_.hr_crop());
    check_teaches(!criteria_.empty());
  }

  void load_data() override { data_.load(); }
  Batch make_batch(std::int64_t index) const override { return data_.batch(index); }
  Scalars validate() override { return data_.validate(*generator_); }
  double score(const Scalars& validation) const override { return data_.score(validation); }
  std::vector<SampleRow> preview() override { return data_.preview(*generator_); }

 private:
  /// N x C x H x W in [0,1] -> enlarged, in [0,1].
  Tensor enlarge(const Tensor& lr) { return from_range(generate(context_, *generator_, to_range(lr, info_)), info_); }

  std::vector<Contest> contests(const Batch& batch) override {
    const Tensor& lr = batch.at("lr");
    return {{batch.at("hr"), fake_of(lr, [&] { return enlarge(lr); })}};
  }

  Terms generator_terms(const Batch& batch, Scalars&) override {
    const Tensor sr = enlarge(batch.at("lr")), hr = batch.at("hr");
    keep(batch.at("lr"), sr);
    // Real-ESRGAN compares with a sharpened picture, but its discriminator sees the true one.
    const auto sharp = batch.find("sharp");
    const Tensor target = sharp == batch.end() ? hr : sharp->second;
    Terms terms = criteria_(sr, {target, target});
    hold_steady(terms, batch.at("lr"), sr, [&](const Tensor& lr) { return enlarge(lr); });
    play(terms, 0, {hr, sr});
    return terms;
  }

  GeneratorPtr generator_;
  GeneratorInfo info_;
  SrData data_;
  Criteria criteria_;
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
