#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <utility>

#include "ganvas/loss/perceptual.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// What a generator's pictures are compared with.
struct Target {
  torch::Tensor content;  ///< the picture of the same place, of the result's size
  torch::Tensor style;    ///< a picture of the wanted kind, of any size; the content where both are one
};

/// The recipe's named loss terms, one piece for all tasks:
///   [loss]        pixel (l1, l2, charbonnier: how pictures are compared), pixel_weight, luma_weight (the same on
///                 luma), tv_weight (total variation of the result: against noise and checkerboards), grid_weight
///                 (sub_pixel_grid of the result)
///   [perceptual]  see perceptual_from_recipe: weight, normalised_weight, style_weight, lpips_weight and the network;
///                 shift: in training it looks at pictures without so many pixels less 1 of their height and width, cut
///                 off at one side or the other by chance, so that strides of the feature network meet those of the
///                 generator everywhere alike: else it rewards a lattice
/// Where pictures come in pairs (super-resolution, pix2pix), the target is the partner. Where they don't (cyclegan,
/// cut) there is none: pixel, luma, perceptual and lpips compare the result with the picture that it was made from,
/// which says how much of that has to stay (Shrivastava et al. 2017, eq. 3, on pixels; Chen et al. 2018, CartoonGAN,
/// eq. 5, on features), and style compares its statistics with those of a real picture of the other kind.
class Criteria {
 public:
  /// For pictures with values in the range of `values`. `pixel_weight`: the default of loss.pixel_weight.
  Criteria(const TaskContext& context, const GeneratorInfo& values, double pixel_weight);

  /// "pixel", "luma", "tv", "grid", "perceptual", "normalised", "style" and "lpips", weighted, those whose weight isn't
  /// 0, each with `suffix` behind its name. N x C x H x W; no gradient flows to the target.
  Terms operator()(const torch::Tensor& result, const Target& target, const std::string& suffix = "") const;
  /// Two pictures by loss.pixel, unweighted.
  torch::Tensor distance(const torch::Tensor& a, const torch::Tensor& b) const;
  /// Whether there is no term at all.
  bool empty() const { return pixel_weight_ + luma_weight_ + tv_weight_ + grid_weight_ == 0 && !looks_at_features_; }
  /// What the perceptual terms look through; null where there are none, and in a dry run.
  FeatureNetwork* features() const { return perceptual_ ? &perceptual_->network() : nullptr; }

 private:
  torch::Tensor seen(const torch::Tensor& pictures) const;
  std::pair<torch::Tensor, torch::Tensor> shifted(const torch::Tensor& a, const torch::Tensor& b) const;

  bool bf16_, cuda_;
  GeneratorInfo values_;
  std::string pixel_;
  double pixel_weight_, luma_weight_, tv_weight_, grid_weight_;
  std::int64_t shift_;
  bool looks_at_features_;
  std::unique_ptr<PerceptualLoss> perceptual_;  ///< null in a dry run
};

}  // namespace ganvas
