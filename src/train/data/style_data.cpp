#include "train/data/style_data.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <numeric>
#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/rng.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"
#include "train/data/translation_data.hpp"

namespace ganvas {

namespace {

Image middle_square(const Image& picture, int side) {
  const int own = std::min(picture.width(), picture.height());
  const Image square(
      picture.pixels(cv::Rect((picture.width() - own) / 2, (picture.height() - own) / 2, own, own)).clone());
  return own == side ? square : resize(square, side, side, Interpolation::area);
}

}  // namespace

StyleData::StyleData(const TaskContext& context, const Rules& rules) : context_(context), rules_(rules) {
  Recipe& recipe = context.recipe;
  options_.paired = false;
  options_.b_to_a = recipe.choice("data.direction", "AtoB", {"AtoB", "BtoA"}) == "BtoA";
  options_.preprocess = "scale_shortside";
  options_.load = static_cast<int>(recipe.integer("data.load", 256, 16, 16384));
  options_.flip = recipe.flag("data.flip", true);
  hold_out_ = static_cast<int>(recipe.integer("data.hold_out", 8, 1, 10000));
  smallest_scale_ = recipe.number("data.smallest_scale", 0.5, 0.01, 1.0);
  crops_ = recipe.integers("data.crops", {96, 160, 256});
  shares_ = recipe.integers("data.crop_shares", std::vector<std::int64_t>(crops_.size(), 1));
  if (crops_.empty() || !std::is_sorted(crops_.begin(), crops_.end()) || crops_.front() < 16 ||
      crops_.back() > options_.load)
    fail(ErrorKind::recipe, "{}: data.crops: wanted are rising sides from 16 to data.load ({})", recipe.name(),
         options_.load);
  if (shares_.size() != crops_.size() || *std::min_element(shares_.begin(), shares_.end()) < 0 ||
      std::accumulate(shares_.begin(), shares_.end(), std::int64_t{0}) <= 0)
    fail(ErrorKind::recipe, "{}: data.crop_shares: wanted is a number from 0 up for each of the {} data.crops",
         recipe.name(), crops_.size());
}

void StyleData::load() {
  auto loaded = load_pairs(context_.data, options_, hold_out_);
  source_ = std::move(loaded.source);
  validation_ = std::move(loaded.validation);
  // One style alone can't be kept out: it is all that the run is to learn.
  if (validation_.empty())
    for (std::size_t i = 0; i < std::min(source_->a_count(), static_cast<std::size_t>(hold_out_)); ++i)
      validation_.push_back({source_->a(i), source_->b(i % source_->b_count()), ""});
  for (auto& pair : validation_) {
    pair.a = middle_square(pair.a, largest());
    pair.b = middle_square(pair.b, largest());
  }
  log(LogLevel::info, "{} contents, {} styles, {} of each for validation", source_->a_count(), source_->b_count(),
      validation_.size());
}

/// All processes and both pictures of a step have the same.
std::int64_t StyleData::crop_of(std::int64_t index) const {
  Rng rng = Rng::for_item(context_.seed ^ 0x5179'1e5c, static_cast<std::uint64_t>(index));
  auto left = static_cast<std::int64_t>(
      rng.below(static_cast<std::uint64_t>(std::accumulate(shares_.begin(), shares_.end(), std::int64_t{0}))));
  std::size_t i = 0;
  while (left >= shares_[i]) left -= shares_[i++];
  return crops_[i];
}

Image StyleData::crop(const Image& picture, int side, Rng& rng) const {
  const int most = std::min(picture.width(), picture.height());
  const int own = std::clamp(static_cast<int>(side / rng.uniform(smallest_scale_, 1.0)), std::min(side, most), most);
  const auto place = [&](int length) {
    return static_cast<int>(rng.below(static_cast<std::uint64_t>(length - own + 1)));
  };
  const int x = place(picture.width()), y = place(picture.height());
  cv::Mat part = picture.pixels(cv::Rect(x, y, own, own)).clone();
  if (options_.flip && rng.below(2) == 1) cv::flip(part, part, 1);
  return own == side ? Image(part) : resize(Image(part), side, side, Interpolation::area);
}

Batch StyleData::batch(std::int64_t index) const {
  const auto side = static_cast<int>(crop_of(index));
  const std::int64_t work = context_.batch * crops_.front() * crops_.front();
  const auto count = std::clamp<std::int64_t>(work / (static_cast<std::int64_t>(side) * side),
                                              std::min(2, context_.batch), context_.batch);
  std::vector<Image> contents, styles, own_contents, own_styles;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t sample = index * context_.batch + i;
    Rng rng = Rng::for_item(context_.seed, static_cast<std::uint64_t>(sample));
    const std::size_t a = rng.below(source_->a_count()), b = rng.below(source_->b_count());
    Image content = crop(source_->a(a), side, rng);
    if (rules_.identity_every > 0 && rng.below(static_cast<std::uint64_t>(rules_.identity_every)) == 0) {
      own_contents.push_back(content);
      own_styles.push_back(std::move(content));
    } else {
      contents.push_back(std::move(content));
      if (!rules_.whole_styles) styles.push_back(crop(source_->b(b), side, rng));
    }
  }
  if (rules_.whole_styles) styles.push_back(source_->b(static_cast<std::size_t>(index) % source_->b_count()));
  const auto same = static_cast<std::int64_t>(own_contents.size());
  for (auto& picture : own_contents) contents.push_back(std::move(picture));
  for (auto& picture : own_styles) styles.push_back(std::move(picture));
  return {
      {"content", tensor_from_images(contents)}, {"style", tensor_from_images(styles)}, {"same", torch::tensor(same)}};
}

}  // namespace ganvas
