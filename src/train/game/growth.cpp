#include "train/game/growth.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/log.hpp"

namespace ganvas {

namespace {

/// One number a level, from a list of such or of one for all.
std::vector<std::int64_t> steps_of(Recipe& recipe, const std::string& key, std::int64_t fallback, int levels) {
  std::vector<std::int64_t> steps = recipe.integers(key, {fallback});
  if (steps.size() != 1 && steps.size() != static_cast<std::size_t>(levels))
    fail(ErrorKind::recipe, "{}: {}: {} numbers for {} levels", recipe.name(), key, steps.size(), levels);
  for (const std::int64_t count : steps)
    if (count < 1) fail(ErrorKind::recipe, "{}: {}: {} is no number of steps", recipe.name(), key, count);
  steps.resize(static_cast<std::size_t>(levels), steps.front());
  return steps;
}

}  // namespace

Growth::Growth(Recipe& recipe, int size, std::int64_t steps, int batch) : on_(recipe.flag("growth.on", false)) {
  if (!on_) return;
  while (4 << (levels_ - 1) < size) ++levels_;
  if (4 << (levels_ - 1) != size)
    fail(ErrorKind::recipe, "{}: growth.on: pictures of {} are no 4 times a power of two", recipe.name(), size);
  const std::int64_t share = std::max<std::int64_t>(1, steps / (2 * levels_ - 1));
  fade_steps_ = steps_of(recipe, "growth.fade_steps", share, levels_);
  const auto stable = steps_of(recipe, "growth.stable_steps", share, levels_);
  fade_steps_.front() = 0;
  std::int64_t next = 0;
  for (std::size_t i = 0; i < stable.size(); ++i) {
    begins_.push_back(next);
    next += fade_steps_[i] + stable[i];
  }
  const auto batches = recipe.integers("growth.batches", {});
  if (!batches.empty() && batches.size() != static_cast<std::size_t>(levels_))
    fail(ErrorKind::recipe, "{}: growth.batches: {} numbers for {} levels, 4 to {} pixels", recipe.name(),
         batches.size(), levels_, size);
  batches_.assign(static_cast<std::size_t>(levels_), batch);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (batches[i] < 1 || batches[i] > batch)
      fail(ErrorKind::recipe, "{}: growth.batches: {} is not within 1 and the batch of {}", recipe.name(), batches[i],
           batch);
    batches_[i] = static_cast<int>(batches[i]);
  }
  if (const Place end = at(steps - 1); end.level < last_level() || end.fade < 1)
    log(LogLevel::warning,
        "{}: after {} steps the pictures have grown to {} of {} pixels; shorten growth.fade_steps "
        "and growth.stable_steps or lengthen train.steps",
        recipe.name(), steps, 4 << end.level, size);
}

Growth::Place Growth::at(std::int64_t step) const {
  if (!on_) return {};
  const auto next = std::upper_bound(begins_.begin(), begins_.end(), step);
  const auto level = static_cast<std::size_t>(next - begins_.begin()) - 1;
  const std::int64_t within = step - begins_[level], fade = fade_steps_[level];
  return {.level = static_cast<int>(level),
          .fade = within < fade ? static_cast<double>(within + 1) / static_cast<double>(fade) : 1.0,
          .begins = level > 0 && within == 0};
}

torch::Tensor Growth::shrunk(const torch::Tensor& pictures, const Place& place) const {
  const std::int64_t factor = std::int64_t{1} << (last_level() - place.level);
  const torch::Tensor small = factor > 1 ? torch::avg_pool2d(pictures, factor) : pictures;
  if (place.level == 0 || place.fade >= 1) return small;
  const torch::Tensor below = torch::upsample_nearest2d(torch::avg_pool2d(small, 2), {small.size(2), small.size(3)});
  return torch::lerp(below, small, place.fade);
}

}  // namespace ganvas
