// Translation between unpaired pictures by two generators that undo each other (CycleGAN, Zhu et al. 2017).
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "train/criteria/criteria.hpp"
#include "train/data/translation_data.hpp"
#include "train/data/translation_score.hpp"
#include "train/game/adversarial_task.hpp"

namespace ganvas::cyclegan_plugin {

namespace {

using torch::Tensor;

class CycleGan final : public AdversarialTask {
 public:
  explicit CycleGan(TaskContext context)
      : AdversarialTask(std::move(context), {}),
        forth_(add_generator("generator", "resnet")),
        back_(add_generator("generator_reverse", "resnet", "start_reverse")),
        info_(forth_->info()),
        data_(context_, /*paired=*/false, info_),
        score_(context_) {
    Recipe& recipe = context_.recipe;
    if (info_.scale != 1 || info_.in_channels != info_.out_channels)
      fail(ErrorKind::recipe, "{}: both directions need a generator that gives what it takes, size and channels",
           recipe.name());
    add_adversary("discriminator", info_.out_channels, data_.crop(), info_.value_low, "forth/");
    add_adversary("discriminator_reverse", info_.out_channels, data_.crop(), info_.value_low, "back/");
    cycle_ = recipe.number("loss.cycle", 10.0, 0.0, 1e6);
    identity_ = recipe.number("loss.identity", 0.5, 0.0, 1e6);
    criteria_.emplace(context_, info_, 0.0);
    check_teaches(cycle_ > 0 || !criteria_->empty());
  }

  void load_data() override {
    data_.load();
    score_.load(data_.pictures_of_b());
  }
  Batch make_batch(std::int64_t index) const override { return data_.batch(index); }
  Scalars validate() override { return score_(*forth_, data_.pictures_of_a(score_.pictures())); }
  double score(const Scalars& validation) const override { return score_.of(validation); }
  std::vector<SampleRow> preview() override {
    const auto made = [this](Generator& generator, const Image& image) {
      return generated_picture(generator, image, context_.device);
    };
    Generator &forth = *forth_, &back = *back_;
    return data_.preview({{"A", [](const TranslationPair& pair) { return pair.a; }},
                          {"fake B", [=, &forth](const TranslationPair& pair) { return made(forth, pair.a); }},
                          {"reconstructed A",
                           [=, &forth, &back](const TranslationPair& pair) { return made(back, made(forth, pair.a)); }},
                          {"B", [](const TranslationPair& pair) { return pair.b; }},
                          {"fake A", [=, &back](const TranslationPair& pair) { return made(back, pair.b); }},
                          {"identity B", [=, &forth](const TranslationPair& pair) { return made(forth, pair.b); }}});
  }

 private:
  Tensor translate(Generator& generator, const Tensor& x) { return generate(context_, generator, x); }
  /// Results for both, in one pass where the network treats each picture by itself.
  std::pair<Tensor, Tensor> translate_both(Generator& generator, const Tensor& x, const Tensor& y) {
    const bool alone = forth_->config().value("norm", nlohmann::json("batch")) != "batch" && x.sizes() == y.sizes();
    if (!alone) return {translate(generator, x), translate(generator, y)};
    const Tensor both = translate(generator, torch::cat({x, y}));
    return {both.narrow(0, 0, x.size(0)), both.narrow(0, x.size(0), y.size(0))};
  }

  std::vector<Contest> contests(const Batch& batch) override {
    const Tensor &a = batch.at("a"), &b = batch.at("b");
    const Tensor fake_b = fake_of(a, [&] { return translate(*forth_, a); });
    const Tensor fake_a = fake_of(b, [&] { return translate(*back_, b); });
    return {{b, fake_b}, {a, fake_a}};
  }

  Terms generator_terms(const Batch& batch, Scalars& scalars) override {
    const Tensor &a = batch.at("a"), &b = batch.at("b");
    const double identity = cycle_ * (identity_ + identity_raised_);
    Tensor fake_b, fake_a, same_b, same_a;
    if (identity > 0) {
      std::tie(fake_b, same_b) = translate_both(*forth_, a, b);
      std::tie(fake_a, same_a) = translate_both(*back_, b, a);
    } else {
      fake_b = translate(*forth_, a);
      fake_a = translate(*back_, b);
    }
    keep(a, fake_b);
    keep(b, fake_a);
    Terms terms;
    play(terms, 0, {b, fake_b});
    play(terms, 1, {a, fake_a});
    if (cycle_ > 0) {
      terms["cycle"] = cycle_ * criteria_->distance(translate(*back_, fake_b), a);
      terms["cycle_reverse"] = cycle_ * criteria_->distance(translate(*forth_, fake_a), b);
    }
    if (identity > 0) {
      terms["identity"] = identity * criteria_->distance(same_b, b);
      terms["identity_reverse"] = identity * criteria_->distance(same_a, a);
    }
    terms.merge((*criteria_)(fake_b, {a, b}));
    terms.merge((*criteria_)(fake_a, {b, a}, "_reverse"));
    hold_steady(terms, a, fake_b, [&](const Tensor& x) { return translate(*forth_, x); });
    hold_steady(
        terms, b, fake_a, [&](const Tensor& x) { return translate(*back_, x); }, "_reverse");
    scalars["generator.luminance_correlation"] = luminance_correlation(a, fake_b);
    scalars["generator_reverse.luminance_correlation"] = luminance_correlation(b, fake_a);
    return terms;
  }

  void weigh_identity_more() override {
    identity_raised_ = std::max(2 * identity_raised_, 0.5);
    log(LogLevel::info, "the identity loss weighs {} of the cycle loss now", identity_ + identity_raised_);
  }
  StateDict own_state() const override {
    StateDict state;
    state.set("identity_raised", torch::tensor({identity_raised_}, torch::kDouble));
    return state;
  }
  void restore_own(const StateDict& state) override { identity_raised_ = state.at("identity_raised").item<double>(); }

  GeneratorPtr forth_, back_;  ///< B from A, A from B
  GeneratorInfo info_;
  TranslationData data_;
  TranslationScore score_;
  std::optional<Criteria> criteria_;
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
