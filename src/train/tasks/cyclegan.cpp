// Translation between unpaired pictures by two generators that undo each other (CycleGAN, Zhu et al. 2017).
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/train/adversary.hpp"
#include "train/backward.hpp"
#include "train/build_generator.hpp"
#include "train/generate.hpp"
#include "train/translation_data.hpp"
#include "train/translation_score.hpp"

namespace ganvas::cyclegan_plugin {

namespace {

using torch::Tensor;

/// One direction: its generator, who judges what it makes, and what it made in this step.
struct Direction {
  GeneratorPtr generator;
  std::unique_ptr<Adversary> adversary{};
  StepFakes fakes{};
};

class CycleGan final : public Task {
 public:
  explicit CycleGan(TaskContext context)
      : context_(std::move(context)),
        b_from_a_{build_generator(context_, "resnet")},
        a_from_b_{build_generator(context_, "resnet", "start_reverse")},
        info_(b_from_a_.generator->info()),
        data_(context_, /*paired=*/false, info_),
        score_(context_) {
    Recipe& recipe = context_.recipe;
    if (info_.scale != 1 || info_.in_channels != info_.out_channels)
      fail(ErrorKind::recipe, "{}: both directions need a generator that gives what it takes, size and channels",
           recipe.name());
    const auto adversary = [&](const char* name) {
      return std::make_unique<Adversary>(context_, name, info_.out_channels, data_.crop(), info_.value_low);
    };
    b_from_a_.adversary = adversary("discriminator");
    a_from_b_.adversary = adversary("discriminator_reverse");
    cycle_ = recipe.number("loss.cycle", 10.0, 0.0, 1e6);
    identity_ = recipe.number("loss.identity", 0.5, 0.0, 1e6);
  }

  void load_data() override {
    data_.load();
    score_.load(data_.pictures_of_b());
  }
  std::vector<Phase> phases() const override {
    return {{.name = "generator", .networks = {"generator", "generator_reverse"}},
            {.name = "discriminator", .networks = {"discriminator", "discriminator_reverse"}}};
  }
  std::vector<NamedNetwork> networks() const override {
    return {{"generator", b_from_a_.generator, true},
            {"generator_reverse", a_from_b_.generator, true},
            b_from_a_.adversary->network(),
            a_from_b_.adversary->network()};
  }
  Batch make_batch(std::int64_t index) const override { return data_.batch(index); }
  void begin_step(std::int64_t step) override {
    for (Direction* direction : {&b_from_a_, &a_from_b_}) {
      direction->fakes.clear();
      direction->adversary->begin_step(step);
    }
  }

  Scalars accumulate(const Phase& phase, const Batch& batch, double weight) override {
    if (phase.name == "generator") return teach_generators(batch, weight);
    // The fakes first: what they draw (dropout) comes before what the discriminators draw.
    const Tensor fake_b = fake_of(b_from_a_, batch.at("a")), fake_a = fake_of(a_from_b_, batch.at("b"));
    Scalars scalars = b_from_a_.adversary->learn(batch.at("b"), fake_b, weight);
    scalars.merge(a_from_b_.adversary->learn(batch.at("a"), fake_a, weight));
    return scalars;
  }
  void after_update(const Phase& phase) override {
    if (phase.name != "discriminator") return;
    b_from_a_.adversary->clip_weights();
    a_from_b_.adversary->clip_weights();
  }

  Scalars validate() override { return score_(*b_from_a_.generator, data_.pictures_of_a(score_.pictures())); }
  double score(const Scalars& validation) const override { return score_.of(validation); }
  std::vector<SampleRow> preview() override {
    const auto made = [this](Generator& generator, const Image& image) {
      return generated_picture(generator, image, context_.device);
    };
    Generator &forth = *b_from_a_.generator, &back = *a_from_b_.generator;
    return data_.preview({{"A", [](const TranslationPair& pair) { return pair.a; }},
                          {"fake B", [=, &forth](const TranslationPair& pair) { return made(forth, pair.a); }},
                          {"reconstructed A",
                           [=, &forth, &back](const TranslationPair& pair) { return made(back, made(forth, pair.a)); }},
                          {"B", [](const TranslationPair& pair) { return pair.b; }},
                          {"fake A", [=, &back](const TranslationPair& pair) { return made(back, pair.b); }},
                          {"identity B", [=, &forth](const TranslationPair& pair) { return made(forth, pair.b); }}});
  }
  void raise_augmentation(double amount) override {
    b_from_a_.adversary->raise_augmentation(amount);
    a_from_b_.adversary->raise_augmentation(amount);
  }
  void answer_inversion(const std::string& network, const std::string& action) override {
    if (action == "identity") {
      identity_raised_ = std::max(2 * identity_raised_, 0.5);
      log(LogLevel::info, "the identity loss weighs {} of the cycle loss now", identity_ + identity_raised_);
      return;
    }
    // Both: each has learnt to undo the other's inversion.
    log(LogLevel::info, "{} inverts colours: both generators start anew", network);
    begin_anew(context_, *b_from_a_.generator);
    begin_anew(context_, *a_from_b_.generator);
  }
  StateDict state() const override {
    StateDict state;
    for (const auto& [prefix, direction] : directions())
      for (const auto& [key, tensor] : direction->adversary->state()) state.set(prefix + key, tensor);
    state.set("identity_raised", torch::tensor({identity_raised_}, torch::kDouble));
    return state;
  }
  void restore(const StateDict& state) override {
    for (const auto& [prefix, direction] : directions()) {
      StateDict part;
      for (const auto& [key, tensor] : state)
        if (key.starts_with(prefix)) part.set(key.substr(prefix.size()), tensor);
      direction->adversary->restore(part);
    }
    identity_raised_ = state.at("identity_raised").item<double>();
  }
  void export_model(const std::filesystem::path& path, const std::map<std::string, std::string>& figures) override {
    save_generator(path, *b_from_a_.generator, figures);
    save_generator(reverse_model(path), *a_from_b_.generator, figures);
  }

 private:
  std::vector<std::pair<std::string, const Direction*>> directions() const {
    return {{"forth/", &b_from_a_}, {"back/", &a_from_b_}};
  }
  Tensor translate(const Direction& direction, const Tensor& x) { return generate(context_, *direction.generator, x); }
  Tensor fake_of(const Direction& direction, const Tensor& x) {
    return direction.fakes.of(x, [&] { return translate(direction, x); });
  }
  /// Results for both, in one pass where the network treats each picture by itself.
  std::pair<Tensor, Tensor> translate_both(const Direction& direction, const Tensor& x, const Tensor& y) {
    const bool alone = b_from_a_.generator->config().value("norm", "batch") != "batch" && x.sizes() == y.sizes();
    if (!alone) return {translate(direction, x), translate(direction, y)};
    const Tensor both = translate(direction, torch::cat({x, y}));
    return {both.narrow(0, 0, x.size(0)), both.narrow(0, x.size(0), y.size(0))};
  }

  Scalars teach_generators(const Batch& batch, double weight) {
    const Tensor &a = batch.at("a"), &b = batch.at("b");
    const double identity = cycle_ * (identity_ + identity_raised_);
    Tensor fake_b, fake_a, same_b, same_a;
    if (identity > 0) {
      std::tie(fake_b, same_b) = translate_both(b_from_a_, a, b);
      std::tie(fake_a, same_a) = translate_both(a_from_b_, b, a);
    } else {
      fake_b = translate(b_from_a_, a);
      fake_a = translate(a_from_b_, b);
    }
    b_from_a_.fakes.keep(a, fake_b);
    a_from_b_.fakes.keep(b, fake_a);
    Terms terms;
    if (b_from_a_.adversary->plays()) {
      terms["adversarial"] = b_from_a_.adversary->judge(b, fake_b);
      terms["adversarial_reverse"] = a_from_b_.adversary->judge(a, fake_a);
    }
    if (cycle_ > 0) {
      terms["cycle"] = cycle_ * pixel_loss("l1", translate(a_from_b_, fake_b), a);
      terms["cycle_reverse"] = cycle_ * pixel_loss("l1", translate(b_from_a_, fake_a), b);
    }
    if (identity > 0) {
      terms["identity"] = identity * pixel_loss("l1", same_b, b);
      terms["identity_reverse"] = identity * pixel_loss("l1", same_a, a);
    }
    Scalars scalars = backward(terms, weight);
    scalars["generator.luminance_correlation"] = luminance_correlation(a, fake_b);
    scalars["generator_reverse.luminance_correlation"] = luminance_correlation(b, fake_a);
    return scalars;
  }

  TaskContext context_;
  Direction b_from_a_, a_from_b_;
  GeneratorInfo info_;
  TranslationData data_;
  TranslationScore score_;
  double cycle_ = 10, identity_ = 0.5;  ///< identity is a multiple of cycle, as published
  double identity_raised_ = 0;          ///< what the monitor added to it
};

}  // namespace

TaskPlugin plugin() {
  return {.name = "cyclegan",
          .summary = "translation between unpaired pictures, both ways",
          .make = [](TaskContext context) -> std::unique_ptr<Task> {
            return std::make_unique<CycleGan>(std::move(context));
          }};
}

}  // namespace ganvas::cyclegan_plugin
