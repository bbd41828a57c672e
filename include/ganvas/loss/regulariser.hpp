#pragma once

#include <torch/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ganvas/core/annealed.hpp"
#include "ganvas/core/recipe.hpp"

namespace ganvas {

/// Penalties on how steep the discriminator is, each with a weight of its own; 0 leaves it out. |g| is the norm over
/// one picture of the gradient of the sum of its logits.
///   r1                     1/2 E |g|^2 at real pictures (Mescheder et al. 2018, eq. 9)
///   r2                     the same at fake pictures
///   gradient_penalty       E (|g| - 1)^2 at random points between real and fake (Gulrajani et al. 2017, eq. 3)
///   zero_gradient_penalty  E |g|^2 at such points (Thanh-Tung et al. 2019)
///   dragan                 E (|g| - 1)^2 around real pictures: x + 0.5 std(x) u, u ~ U(0,1) (Kodali et al. 2017)
///   drift                  E logit(real)^2 (Karras et al. 2018, appendix A.1)
/// The sum over logits makes the penalties of a patch discriminator grow with its number of patches; a mean would hide
/// steep single patches. `interval` above 1 computes them only at steps divisible by it, that much heavier (lazy
/// regularisation, Karras et al. 2020, appendix B). Each weight may be annealed.
class Regulariser {
 public:
  using Judge = std::function<torch::Tensor(const torch::Tensor&)>;

  /// Reads `prefix`.r1 and so on, and `prefix`.interval.
  static Regulariser from_recipe(Recipe& recipe, const std::string& prefix, double anneal_steps = 1);
  static const std::vector<std::string>& names();
  void set(const std::string& name, const Annealed& weight);

  /// Whether penalties fall due at this step.
  bool due(std::int64_t step) const { return any_ && step % interval_ == 0; }
  /// The penalties by name, with their weights at the run's `step`, times the interval; fp32 scalars with a graph to
  /// the judge's weights. Pictures need no gradient. The judge must run in fp32.
  std::map<std::string, torch::Tensor> operator()(const Judge& judge, const torch::Tensor& real,
                                                  const torch::Tensor& fake, std::int64_t step = 0) const;

 private:
  std::map<std::string, Annealed> weights_;
  std::int64_t interval_ = 1;
  bool any_ = false;
};

}  // namespace ganvas
