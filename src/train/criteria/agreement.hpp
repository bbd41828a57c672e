#pragma once

#include <torch/types.h>

#include <vector>

namespace ganvas {

/// How far a student's LPIPS features are from its teacher's. A batch holds N pictures, then their N damaged copies.
class Agreement {
 public:
  /// `weights`: the heads, 1 x C x 1 x 1 a layer.
  explicit Agreement(const std::vector<torch::Tensor>& weights) : weights_(weights) {}
  void add_layer(std::size_t layer, const torch::Tensor& student, const torch::Tensor& teacher);
  /// A layer without a head.
  void add_plain_layer(const torch::Tensor& student, const torch::Tensor& teacher);

  /// LPIPS between what student and teacher see in the same picture.
  const torch::Tensor& features() const { return features_; }
  /// The same of what changes from a picture to its copy: the directions that gradients follow.
  const torch::Tensor& difference() const { return difference_; }
  /// Mean |log((d + e) / (d' + e))| of the distances between pictures and copies, e = 0.01.
  torch::Tensor distance() const;
  /// Squared error of the features as they are, unscaled and in all channels, relative to the teacher's mean square.
  const torch::Tensor& magnitude() const { return magnitude_; }

 private:
  const std::vector<torch::Tensor>& weights_;
  torch::Tensor features_, difference_, magnitude_, by_student_, by_teacher_;
};

/// Pearson's coefficient; of ranks it is Spearman's.
double correlation(const std::vector<double>& a, const std::vector<double>& b);
/// 0 for the smallest value ...; equal values get the mean of their ranks.
std::vector<double> ranks(const std::vector<double>& values);

}  // namespace ganvas
