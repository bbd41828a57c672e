#pragma once
#include <torch/types.h>

#include "ganvas/core/recipe.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/train/task.hpp"

namespace ganvas {

/// Path length regularisation (Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section
/// 3.2): a step in style space should change the picture by as much everywhere. Keys noise.path_length (weight; 0:
/// off), noise.path_interval (every so many steps, with that weight), noise.path_decay (of the running mean length).
class PathLength {
 public:
  PathLength(Recipe& recipe, torch::Device device);

  bool on() const { return weight_ > 0; }
  bool due(std::int64_t step) const { return on() && step % interval_ == 0; }
  /// The weighted penalty for styles of the noise, N x noise, and the classes, N x classes or undefined; in fp32.
  /// Writes generator.path_length, the running mean.
  torch::Tensor operator()(NoiseGenerator& generator, const torch::Tensor& noise, const torch::Tensor& classes,
                           Scalars& scalars);

  torch::Tensor mean() const { return mean_; }
  void restore(const torch::Tensor& mean) { mean_ = mean.to(mean_.device()).clone(); }

 private:
  double weight_, decay_;
  std::int64_t interval_;
  torch::Tensor mean_;
};

}  // namespace ganvas
