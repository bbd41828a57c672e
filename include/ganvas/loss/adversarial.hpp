#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "ganvas/core/recipe.hpp"

namespace ganvas {

/// How sure the discriminator shall be: targets between 0 (fake) and 1 (real), one a picture.
struct LabelOptions {
  double real = 1.0;   ///< below 1: one-sided smoothing (Salimans et al. 2016, section 3.4)
  double fake = 0.0;   ///< above 0 as well: two-sided
  double noise = 0.0;  ///< targets are drawn uniformly from up to this much further inside: noisy smoothing
  double flip = 0.0;   ///< share of pictures whose label is swapped

  /// Reads `prefix`.real, .fake, .noise, .flip.
  static LabelOptions from_recipe(Recipe& recipe, const std::string& prefix);
};

/// The two sides of the adversarial game, as means over all logits of a batch; fp32 scalars. All kinds follow one
/// scheme: a logit x costs positive(x) where it should be real and negative(x) where it should be fake, and a target t
/// between costs t * positive(x) + (1 - t) * negative(x). For the cross entropies that is the cross entropy with soft
/// labels, for least squares (x - t)^2 up to a constant, and it gives every other loss smoothing and flips too.
///
///   minimax               softplus(-x), softplus(x); G minimises log(1 - sigmoid(x)), which saturates (Goodfellow et
///                         al. 2014, eq. 1)
///   non-saturating        the same, G: softplus(-x) (ibid., section 3)
///   least-squares         (x - 1)^2, x^2; G: (x - 1)^2 (Mao et al. 2017, eq. 9 without its halves)
///   hinge                 max(0, 1 - x), max(0, 1 + x); G: -x (Lim and Ye 2017)
///   wasserstein           -x, x; G: -x (Arjovsky et al. 2017); wants clipped weights or a gradient penalty
///   relativistic-average  cross entropy of x_real - mean(x_fake) and x_fake - mean(x_real), halved; G: with the labels
///                         swapped (Jolicoeur-Martineau 2018; Wang et al. 2018, eq. 1 and 2)
///   relativistic-pairing  softplus(-(x_real - x_fake)); G: softplus(x_real - x_fake) (Huang et al. 2024, eq. 2)
class AdversarialLoss {
 public:
  /// Throws Error(recipe) for an unknown name.
  explicit AdversarialLoss(const std::string& kind);

  /// Logits of real and of fake pictures, equal shapes with the batch first.
  torch::Tensor for_discriminator(const torch::Tensor& real, const torch::Tensor& fake,
                                  const LabelOptions& labels = {}) const;
  /// `real` may be undefined where needs_real() is false.
  torch::Tensor for_generator(const torch::Tensor& real, const torch::Tensor& fake) const;
  /// Whether the generator's side reads the logits of real pictures.
  bool needs_real() const;

 private:
  struct Kind;
  static const Kind& find(const std::string& name);
  friend const std::vector<std::string>& adversarial_losses();
  const Kind& kind_;
};

const std::vector<std::string>& adversarial_losses();

}  // namespace ganvas
