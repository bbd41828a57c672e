#include "train/criteria/criteria.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/loss/pixel.hpp"
#include "ganvas/nn/precision.hpp"
#include "ganvas/nn/torch_compat.hpp"
#include "train/criteria/moved_part.hpp"

namespace ganvas {

using torch::Tensor;

Criteria::Criteria(const TaskContext& context, const GeneratorInfo& values, double pixel_weight)
    : bf16_(context.bf16), cuda_(context.device.is_cuda()), values_(values) {
  Recipe& recipe = context.recipe;
  pixel_ = recipe.choice("loss.pixel", "l1", pixel_losses());
  pixel_weight_ = recipe.number("loss.pixel_weight", pixel_weight, 0.0, 1e6);
  luma_weight_ = recipe.number("loss.luma_weight", 0.0, 0.0, 1e6);
  tv_weight_ = recipe.number("loss.tv_weight", 0.0, 0.0, 1e6);
  grid_weight_ = recipe.number("loss.grid_weight", 0.0, 0.0, 1e9);
  shift_ = recipe.integer("perceptual.shift", 1, 1, 256);
  perceptual_ = perceptual_from_recipe(recipe, "perceptual", context.find_model, context.device);
  looks_at_features_ = !recipe.at_default("perceptual.weight") || !recipe.at_default("perceptual.style_weight") ||
                       !recipe.at_default("perceptual.lpips_weight") ||
                       !recipe.at_default("perceptual.normalised_weight");
  if (looks_at_features_ && values.out_channels != 3 && values.out_channels != 1)
    fail(ErrorKind::recipe, "{}: perceptual losses look at RGB or gray; the generator gives {} channels", recipe.name(),
         values.out_channels);
}

/// What the feature network looks at: RGB in [0, 1].
Tensor Criteria::seen(const Tensor& pictures) const {
  const Tensor unit = from_range(pictures, values_);
  return unit.size(1) == 1 ? unit.expand({-1, 3, -1, -1}) : unit;
}

/// The same part of two pictures of one size.
std::pair<Tensor, Tensor> Criteria::shifted(const Tensor& a, const Tensor& b) const {
  const std::int64_t most = std::min({shift_, a.size(2), a.size(3)});
  if (most == 1 || !torch::GradMode::is_enabled()) return {a, b};
  const MovedPart part(most - 1);
  const Tensor part_of_a = part.of(a);
  return {part_of_a, a.is_same(b) ? part_of_a : part.of(b)};
}

Tensor Criteria::distance(const Tensor& a, const Tensor& b) const { return pixel_loss(pixel_, a, b); }

Terms Criteria::operator()(const Tensor& result, const Target& target, const std::string& suffix) const {
  Terms terms;
  if (pixel_weight_ > 0) terms["pixel" + suffix] = pixel_weight_ * distance(result, target.content);
  // Papers measure luma, and eyes see it best.
  if (luma_weight_ > 0) terms["luma" + suffix] = luma_weight_ * distance(luma_of(result), luma_of(target.content));
  if (tv_weight_ > 0) terms["tv" + suffix] = tv_weight_ * total_variation(result);
  if (grid_weight_ > 0) terms["grid" + suffix] = grid_weight_ * sub_pixel_grid(result);
  if (!perceptual_) return terms;
  const AutocastScope autocast(bf16_, cuda_);
  const bool one = target.style.is_same(target.content);
  const auto [looked_at, beside] = shifted(result, target.content);
  const Tensor content = seen(beside);
  for (auto& [name, term] : (*perceptual_)(seen(looked_at), content, one ? content : seen(target.style)))
    terms[name + suffix] = term;
  return terms;
}

}  // namespace ganvas
