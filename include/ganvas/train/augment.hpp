#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "ganvas/core/annealed.hpp"
#include "ganvas/core/recipe.hpp"
#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// Random changes of what the discriminator sees, real and fake alike, differentiable (twice) so that the generator
/// learns through them: DiffAugment (Zhao et al. 2020) with a fixed probability, or ADA (Karras et al. 2020, section 3)
/// with one that follows how far the discriminator overfits. N x C x H x W in [0, 1]; every picture gets its own
/// change.
///   colour        brightness +- 0.25 (+- 0.5 of [-1, 1]), saturation 0 .. 2, contrast 0.5 .. 1.5
///   translation  up to 1/8 of each side, zeros from outside
///   cutout       a square of half the side is made gray (the mean 0.5)
///   flip         left-right
///   turn         by 0, 90, 180, 270 degrees; square pictures only
///   bgc          the whole pipeline of ADA's published code, each part with the probability: flips, turns, shifts,
///                scales, rotations, brightness, contrast, inverted luma, hue, saturation (augment_pipeline.hpp)
///   bgc-upright  the same without turns, rotations and inverted luma, for data with an up and a down
/// Draws come from LibTorch's default generator, so that a checkpoint holds their state.
class Augment {
 public:
  /// Reads `prefix`.policy (list, default none), .probability (1 for DiffAugment), .adaptive, .target, .interval,
  /// .kimg (thousands of pictures in which the probability may go from 0 to 1), .limit. A probability that isn't
  /// adaptive may be annealed.
  static Augment from_recipe(Recipe& recipe, const std::string& prefix, double anneal_steps = 1);
  static const std::vector<std::string>& policies();

  bool on() const { return !policy_.empty(); }
  double probability() const { return probability_; }
  void begin_step(std::int64_t step);
  torch::Tensor operator()(const torch::Tensor& pictures) const;

  /// ADA's feedback, once a discriminator step: logits of real pictures. Every `interval` steps the probability moves
  /// by the sign of mean(sign(logits)) - target.
  void observe(const torch::Tensor& real_logits);
  /// Adds to the probability, for a monitor that sees the discriminator win.
  void raise(double amount);

  /// The probability, what was observed since it last moved, and what raise() has added.
  torch::Tensor state() const;
  void restore(const torch::Tensor& state);

 private:
  std::vector<std::string> policy_;
  Annealed course_ = 1;  ///< of a probability that isn't adaptive
  double probability_ = 1, raised_ = 0, target_ = 0.6, kimg_ = 500, limit_ = 0.8;
  bool adaptive_ = false;
  std::int64_t interval_ = 4;
  double signs_ = 0, pictures_ = 0, logits_ = 0, observed_ = 0;
};

}  // namespace ganvas
