// Translation between unpaired pictures in one direction (CUT and FastCUT, Park et al. 2020): instead of a way back,
// each patch of the result must be recognisable as the input's patch of the same place.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/loss/patch_nce.hpp"
#include "ganvas/nn/init.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "train/criteria/criteria.hpp"
#include "train/data/translation_data.hpp"
#include "train/data/translation_score.hpp"
#include "train/game/adversarial_task.hpp"

namespace ganvas::cut_plugin {

namespace {

using torch::Tensor;

class Cut final : public AdversarialTask {
 public:
  explicit Cut(TaskContext context)
      : AdversarialTask(std::move(context), {}),
        generator_(add_generator("generator", "resnet")),
        info_(generator_->info()),
        data_(context_, /*paired=*/false, info_) {
    Recipe& recipe = context_.recipe;
    if (info_.scale != 1 || info_.in_channels != info_.out_channels)
      fail(ErrorKind::recipe, "{}: needs a generator that gives what it takes, size and channels", recipe.name());
    add_adversary("discriminator", info_.out_channels, data_.crop(), info_.value_low);
    score_.emplace(context_);
    for (const std::int64_t layer : recipe.integers("nce.layers", {0, 4, 8, 12, 16}))
      layers_.push_back(static_cast<int>(layer));
    if (layers_.empty() || *std::min_element(layers_.begin(), layers_.end()) < 0)
      fail(ErrorKind::recipe, "{}: nce.layers needs indices of the encoder's layers", recipe.name());
    nce_weight_ = recipe.number("nce.weight", 1.0, 0.0, 1e6);
    nce_identity_ = recipe.flag("nce.identity", true);
    flips_ = recipe.flag("nce.flip_equivariance", false);
    patches_ = recipe.integer("nce.patches", 256, 2, 1'000'000);
    temperature_ = recipe.number("nce.temperature", 0.07, 1e-4, 100.0);
    const auto width = static_cast<int>(recipe.integer("nce.width", 256, 1, 65536));
    projection_ = std::make_shared<PatchProjection>(channels_of_layers(), width);
    initialise(*projection_, "xavier", recipe.number("nce.init_gain", 0.02, 0.0, 100.0));
    projection_->to(context_.device);
    add_network({"projection", projection_, false});
    criteria_.emplace(context_, info_, 0.0);
    check_teaches(nce_weight_ > 0 || !criteria_->empty());
  }

  void load_data() override {
    data_.load();
    score_->load(data_.pictures_of_b());
  }
  Batch make_batch(std::int64_t index) const override { return data_.batch(index); }
  Scalars validate() override { return (*score_)(*generator_, data_.pictures_of_a(score_->pictures())); }
  double score(const Scalars& validation) const override { return score_->of(validation); }
  std::vector<SampleRow> preview() override {
    const auto made = [this](const Image& image) { return generated_picture(*generator_, image, context_.device); };
    return data_.preview({{"A", [](const TranslationPair& pair) { return pair.a; }},
                          {"fake B", [=](const TranslationPair& pair) { return made(pair.a); }},
                          {"B", [](const TranslationPair& pair) { return pair.b; }},
                          {"identity B", [=](const TranslationPair& pair) { return made(pair.b); }}});
  }

 private:
  std::vector<int> channels_of_layers() {
    const torch::NoGradGuard no_grad;
    generator_->eval();
    std::vector<int> channels;
    for (const Tensor& feature :
         generator_->features(torch::zeros({1, info_.in_channels, 32, 32}, context_.device), layers_))
      channels.push_back(static_cast<int>(feature.size(1)));
    return channels;
  }

  void weigh_identity_more() override {
    nce_raised_ *= 2;
    log(LogLevel::info, "PatchNCE weighs {} times as much now, with the identity's part", nce_raised_);
  }
  StateDict own_state() const override {
    StateDict state;
    state.set("nce_raised", torch::tensor({nce_raised_}, torch::kDouble));
    return state;
  }
  void restore_own(const StateDict& state) override { nce_raised_ = state.at("nce_raised").item<double>(); }

  Tensor translate(const Tensor& x) { return generate(context_, *generator_, x); }
  std::vector<Contest> contests(const Batch& batch) override {
    const Tensor& a = batch.at("a");
    return {{batch.at("b"), fake_of(a, [&] { return translate(a); })}};
  }

  /// Mean over the layers of PatchNCE between a result and what it was made from. `flipped`: the result is a mirror
  /// picture of it.
  Tensor nce(const Tensor& source, const Tensor& result, bool flipped) {
    const AutocastScope autocast(context_.bf16, context_.device.is_cuda());
    std::vector<Tensor> keys;
    {
      const torch::NoGradGuard no_grad;
      keys = generator_->features(source, layers_);
    }
    const std::vector<Tensor> queries = generator_->features(result, layers_);
    Tensor sum;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Tensor places = random_places(keys[i].size(2) * keys[i].size(3), patches_, context_.device);
      const Tensor query = projection_->project(i, flipped ? queries[i].flip({3}) : queries[i], places);
      Tensor key;
      {
        const torch::NoGradGuard no_grad;
        key = projection_->project(i, keys[i], places);
      }
      const Tensor term = patch_nce(query, key, temperature_);
      sum = sum.defined() ? sum + term : term;
    }
    return nce_weight_ * nce_raised_ / static_cast<double>(layers_.size()) * sum;
  }

  Terms generator_terms(const Batch& batch, Scalars& scalars) override {
    const Tensor &a = batch.at("a"), &b = batch.at("b");
    const bool identity = nce_identity_ || nce_raised_ > 1;
    // FastCUT: a mirrored input must give the mirrored result.
    const bool flipped = flips_ && torch::rand({1}).item<float>() < 0.5F;
    const auto seen = [flipped](const Tensor& x) { return flipped ? x.flip({3}) : x; };
    Tensor fake, same;
    if (identity && a.sizes() == b.sizes()) {
      const Tensor both = translate(torch::cat({seen(a), seen(b)}));
      fake = both.narrow(0, 0, a.size(0));
      same = both.narrow(0, a.size(0), b.size(0));
    } else {
      fake = translate(seen(a));
      if (identity) same = translate(seen(b));
    }
    keep(a, fake);
    Terms terms;
    play(terms, 0, {b, fake});
    if (nce_weight_ > 0) {
      const double share = identity ? 0.5 : 1.0;
      terms["nce"] = share * nce(a, fake, flipped);
      if (identity) terms["nce_identity"] = share * nce(b, same, flipped);
    }
    terms.merge((*criteria_)(fake, {seen(a), b}));
    hold_steady(terms, seen(a), fake, [&](const Tensor& x) { return translate(x); });
    scalars["generator.luminance_correlation"] = luminance_correlation(seen(a), fake);
    return terms;
  }

  GeneratorPtr generator_;
  GeneratorInfo info_;
  TranslationData data_;
  std::optional<TranslationScore> score_;
  std::optional<Criteria> criteria_;
  std::shared_ptr<PatchProjection> projection_;
  std::vector<int> layers_;
  double nce_weight_ = 1, temperature_ = 0.07;
  double nce_raised_ = 1;  ///< what the monitor made of the weight
  bool nce_identity_ = true, flips_ = false;
  std::int64_t patches_ = 256;
};

}  // namespace

TaskPlugin plugin() {
  return {
      .name = "cut",
      .summary = "translation between unpaired pictures, one way, patch by patch",
      .make = [](TaskContext context) -> std::unique_ptr<Task> { return std::make_unique<Cut>(std::move(context)); }};
}

}  // namespace ganvas::cut_plugin
