// A generator that gives any picture one style (Johnson et al. 2016): contents by the features of a network, the style
// by its statistics in one picture, or in several by turns.
#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "train/criteria/criteria.hpp"
#include "train/data/style_data.hpp"
#include "train/game/adversarial_task.hpp"

namespace ganvas::style_plugin {

namespace {

using torch::Tensor;

class OneStyle final : public AdversarialTask {
 public:
  explicit OneStyle(TaskContext context)
      : AdversarialTask(std::move(context), {.on = false}),
        generator_(add_generator("generator", "transformer-net")),
        info_(generator_->info()),
        data_(context_, {.whole_styles = true}),
        criteria_(context_, info_, 0.0) {
    Recipe& recipe = context_.recipe;
    if (info_.scale != 1 || info_.in_channels != 3 || info_.out_channels != 3)
      fail(ErrorKind::recipe, "{}: needs a generator that gives RGB of the size that it takes", recipe.name());
    add_adversary("discriminator", 3, data_.largest(), info_.value_low);
    balance_ = recipe.number("style.balance", 1.0, 0.0, 1e6);
    check_teaches(!criteria_.empty());
  }

  void load_data() override { data_.load(); }
  Batch make_batch(std::int64_t index) const override {
    Batch batch = data_.batch(index);
    for (const char* name : {"content", "style"}) batch.at(name) = to_range(batch.at(name), info_);
    return batch;
  }

  /// The terms on contents kept out of training.
  Scalars validate() override {
    generator_->eval();
    const torch::NoGradGuard no_grad;
    Scalars figures;
    const auto count = static_cast<double>(data_.validation().size());
    for (const auto& pair : data_.validation()) {
      const Tensor content = values_of(pair.a), result = generator_->forward(content).to(torch::kFloat);
      for (const auto& [name, term] : weighed(criteria_(result, {content, values_of(pair.b)}))) {
        figures[name] += term.item<double>() / count;
        figures["loss"] += term.item<double>() / count;
      }
    }
    return figures;
  }
  double score(const Scalars& validation) const override {
    const auto found = validation.find("loss");
    return found == validation.end() ? 0 : -found->second;
  }

  std::vector<SampleRow> preview() override {
    std::vector<SampleRow> rows;
    for (std::size_t i = 0; i < std::min<std::size_t>(4, data_.validation().size()); ++i) {
      const auto& pair = data_.validation()[i];
      rows.push_back({fmt::format("content {}", i + 1),
                      {{"content", pair.a},
                       {"result", generated_picture(*generator_, pair.a, context_.device)},
                       {"style", pair.b}}});
    }
    return rows;
  }

 private:
  Tensor values_of(const Image& image) const {
    return to_range(tensor_from_image(image.pixels), info_).to(context_.device);
  }

  std::vector<Contest> contests(const Batch& batch) override {
    const Tensor& content = batch.at("content");
    // One style for all: an adversary sees the middle of it, as large as the fakes.
    const Tensor style = batch.at("style").expand({content.size(0), -1, -1, -1});
    const auto middle = [&](const Tensor& x, int axis) {
      const std::int64_t side = std::min(content.size(axis), x.size(axis));
      return x.narrow(axis, (x.size(axis) - side) / 2, side);
    };
    return {{middle(middle(style, 2), 3), fake_of(content, [&] { return generate(context_, *generator_, content); })}};
  }

  Terms generator_terms(const Batch& batch, Scalars&) override {
    const Tensor& content = batch.at("content");
    const Tensor result = generate(context_, *generator_, content);
    keep(content, result);
    Terms terms = criteria_(result, {content, batch.at("style")});
    find_balance(terms);
    terms = weighed(std::move(terms));
    hold_steady(terms, content, result, [&](const Tensor& x) { return generate(context_, *generator_, x); });
    if (has_adversaries()) play(terms, 0, {contests(batch)[0].real, result});
    return terms;
  }

  /// Weights of Gram matrices depend on the feature network, the layers and the picture by orders of magnitude: with
  /// style.balance the style begins with so many times the content's loss, at the first step of the run.
  void find_balance(const Terms& terms) {
    if (balance_ == 0 || factor_ != 0 || !terms.contains("style") || !terms.contains("perceptual")) return;
    const double style = terms.at("style").item<double>(), content = terms.at("perceptual").item<double>();
    factor_ = style > 0 && content > 0 ? balance_ * content / style : 1;
    log(LogLevel::info, "the style's terms weigh {:.4g} times perceptual.style_weight (style.balance {})", factor_,
        balance_);
  }
  Terms weighed(Terms terms) const {
    if (factor_ != 0)
      if (const auto style = terms.find("style"); style != terms.end()) style->second = style->second * factor_;
    return terms;
  }
  StateDict own_state() const override {
    StateDict state;
    state.set("style_factor", torch::tensor({factor_}, torch::kDouble));
    return state;
  }
  void restore_own(const StateDict& state) override { factor_ = state.at("style_factor").item<double>(); }

  GeneratorPtr generator_;
  GeneratorInfo info_;
  StyleData data_;
  Criteria criteria_;
  double balance_ = 1;
  double factor_ = 0;  ///< of the style's terms; 0: not known yet, or as the recipe has them
};

}  // namespace

TaskPlugin plugin() {
  return {
      .name = "style", .summary = "any picture in one style", .make = [](TaskContext context) -> std::unique_ptr<Task> {
        return std::make_unique<OneStyle>(std::move(context));
      }};
}

}  // namespace ganvas::style_plugin
