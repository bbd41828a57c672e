#include "ganvas/train/augment.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "train/game/augment_pipeline.hpp"

namespace ganvas {

using torch::Tensor;

namespace {

/// One number a picture, uniform in [low, high).
Tensor draw(const Tensor& pictures, double low, double high) {
  return low + (high - low) * torch::rand({pictures.size(0), 1, 1, 1}, pictures.options());
}

/// Pictures for which `chosen` (N x 1 x 1 x 1, booleans) is false stay as they are.
Tensor where_chosen(const Tensor& chosen, const Tensor& changed, const Tensor& pictures) {
  return torch::where(chosen, changed, pictures);
}

Tensor colour(const Tensor& pictures) {
  Tensor x = pictures + draw(pictures, -0.25, 0.25);
  const Tensor gray = x.mean(1, true);
  x = gray + (x - gray) * draw(pictures, 0.0, 2.0);
  const Tensor mean = x.mean(std::vector<std::int64_t>{1, 2, 3}, true);
  return mean + (x - mean) * draw(pictures, 0.5, 1.5);
}

/// Whole numbers in [-reach, reach], one a picture, on the CPU.
Tensor shifts(const Tensor& pictures, std::int64_t reach) {
  return torch::randint(-reach, reach + 1, {pictures.size(0)}, torch::kLong);
}

Tensor translation(const Tensor& pictures) {
  const std::int64_t height = pictures.size(2), width = pictures.size(3);
  const std::int64_t down = height / 8, across = width / 8;
  const Tensor padded = torch::constant_pad_nd(pictures, {across, across, down, down});
  const Tensor dy = shifts(pictures, down), dx = shifts(pictures, across);
  std::vector<Tensor> moved;
  for (std::int64_t i = 0; i < pictures.size(0); ++i)
    moved.push_back(padded[i]
                        .narrow(1, down + dy[i].item<std::int64_t>(), height)
                        .narrow(2, across + dx[i].item<std::int64_t>(), width));
  return torch::stack(moved);
}

Tensor cutout(const Tensor& pictures) {
  const std::int64_t height = pictures.size(2), width = pictures.size(3);
  const std::int64_t tall = std::max<std::int64_t>(height / 2, 1), wide = std::max<std::int64_t>(width / 2, 1);
  Tensor keep = torch::ones({pictures.size(0), 1, height, width}, torch::kFloat);
  for (std::int64_t i = 0; i < pictures.size(0); ++i) {
    // The square's centre is anywhere in the picture, so that it may hang over the edge.
    const auto y = torch::randint(0, height, {1}, torch::kLong).item<std::int64_t>() - tall / 2;
    const auto x = torch::randint(0, width, {1}, torch::kLong).item<std::int64_t>() - wide / 2;
    const auto y0 = std::max<std::int64_t>(y, 0), y1 = std::min(y + tall, height);
    const auto x0 = std::max<std::int64_t>(x, 0), x1 = std::min(x + wide, width);
    keep[i].slice(1, y0, y1).slice(2, x0, x1).zero_();
  }
  keep = keep.to(pictures.device());
  return pictures * keep + 0.5 * (1 - keep);
}

Tensor flip(const Tensor& pictures) { return where_chosen(draw(pictures, 0, 1) < 0.5, pictures.flip({3}), pictures); }

Tensor turn(const Tensor& pictures) {
  if (pictures.size(2) != pictures.size(3))
    fail(ErrorKind::recipe, "augment: turn needs square pictures, not {}x{}; take it out of augment.policy",
         pictures.size(3), pictures.size(2));
  const Tensor quarters = torch::randint(0, 4, {pictures.size(0)}, torch::kLong);
  std::vector<Tensor> turned;
  for (std::int64_t i = 0; i < pictures.size(0); ++i)
    turned.push_back(torch::rot90(pictures[i], quarters[i].item<std::int64_t>(), {1, 2}));
  return torch::stack(turned);
}

using Change = Tensor (*)(const Tensor&);
const std::vector<std::pair<std::string, Change>>& changes() {
  static const std::vector<std::pair<std::string, Change>> all{
      {"color", colour}, {"translation", translation}, {"cutout", cutout}, {"flip", flip}, {"turn", turn}};
  return all;
}

/// Pipelines whose parts happen each with the probability.
using Pipeline = Tensor (*)(const Tensor&, double);
const std::vector<std::pair<std::string, Pipeline>>& pipelines() {
  static const std::vector<std::pair<std::string, Pipeline>> all{
      {"bgc", [](const Tensor& x, double p) { return augmented_bgc(x, p, false); }},
      {"bgc-upright", [](const Tensor& x, double p) { return augmented_bgc(x, p, true); }}};
  return all;
}

}  // namespace

const std::vector<std::string>& Augment::policies() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, change] : changes()) all.push_back(name);
    for (const auto& [name, pipeline] : pipelines()) all.push_back(name);
    return all;
  }();
  return names;
}

Augment Augment::from_recipe(Recipe& recipe, const std::string& prefix, double anneal_steps) {
  Augment augment;
  augment.policy_ = recipe.texts(prefix + ".policy", {});
  for (const auto& name : augment.policy_)
    if (std::find(policies().begin(), policies().end(), name) == policies().end())
      fail(ErrorKind::recipe, "{}: {}.policy: unknown '{}'; known: {}", recipe.name(), prefix, name,
           fmt::join(policies(), ", "));
  augment.adaptive_ = recipe.flag(prefix + ".adaptive", false);
  augment.course_ =
      Annealed::from_recipe(recipe, prefix + ".probability", augment.adaptive_ ? 0.0 : 1.0, 0.0, 1.0, anneal_steps);
  augment.probability_ = augment.course_.first();
  augment.target_ = recipe.number(prefix + ".target", augment.target_, 0.0, 1.0);
  augment.interval_ = recipe.integer(prefix + ".interval", augment.interval_, 1, 1'000'000);
  augment.kimg_ = recipe.number(prefix + ".kimg", augment.kimg_, 1e-3, 1e9);
  augment.limit_ = recipe.number(prefix + ".limit", augment.adaptive_ ? augment.limit_ : 1.0, 0.0, 1.0);
  if (augment.adaptive_ && augment.policy_.empty())
    fail(ErrorKind::recipe, "{}: {}.adaptive needs a {}.policy to adapt", recipe.name(), prefix, prefix);
  if (augment.adaptive_ && augment.course_.moves())
    fail(ErrorKind::recipe, "{}: {}.adaptive and anneal.{}.probability are two ways to move one probability",
         recipe.name(), prefix, prefix);
  return augment;
}

void Augment::begin_step(std::int64_t step) {
  if (course_.moves()) probability_ = std::clamp(course_.at(step) + raised_, 0.0, 1.0);
}

Tensor Augment::operator()(const Tensor& pictures) const {
  if (probability_ <= 0) return pictures;
  Tensor x = pictures;
  for (const auto& name : policy_) {
    for (const auto& [known, pipeline] : pipelines())
      if (name == known) x = pipeline(x, probability_);
    for (const auto& [known, change] : changes()) {
      if (name != known) continue;
      if (probability_ >= 1) x = change(x);
      else x = where_chosen(draw(x, 0, 1) < probability_, change(x), x);
    }
  }
  return x;
}

void Augment::observe(const Tensor& real_logits) {
  if (!adaptive_) return;
  const torch::NoGradGuard no_grad;
  signs_ += real_logits.to(torch::kFloat).sign().sum().item<double>();
  logits_ += static_cast<double>(real_logits.numel());
  pictures_ += static_cast<double>(real_logits.size(0));
  if (++observed_ < static_cast<double>(interval_)) return;
  const double step = pictures_ / (kimg_ * 1000);
  probability_ = std::clamp(probability_ + (signs_ / logits_ > target_ ? step : -step), 0.0, limit_);
  signs_ = logits_ = pictures_ = observed_ = 0;
}

void Augment::raise(double amount) {
  raised_ += amount;
  probability_ = std::clamp(probability_ + amount, 0.0, std::max(limit_, probability_));
}

Tensor Augment::state() const {
  return torch::tensor({probability_, signs_, logits_, pictures_, observed_, raised_}, torch::kDouble);
}

void Augment::restore(const Tensor& state) {
  const Tensor values = state.to(torch::kDouble).contiguous();
  // Checkpoints of earlier versions have no last one.
  if (values.numel() != 5 && values.numel() != 6)
    fail(ErrorKind::model, "the augmentation's state has {} values, not 6", values.numel());
  const double* at = values.data_ptr<double>();
  probability_ = at[0], signs_ = at[1], logits_ = at[2], pictures_ = at[3], observed_ = at[4];
  raised_ = values.numel() == 6 ? at[5] : 0;
}

}  // namespace ganvas
