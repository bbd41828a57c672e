#include "train/game/path_length.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "ganvas/nn/precision.hpp"

namespace ganvas {

PathLength::PathLength(Recipe& recipe, torch::Device device)
    : weight_(recipe.number("noise.path_length", 0.0, 0.0, 1e6)),
      interval_(recipe.integer("noise.path_interval", 4, 1, 1'000'000)) {
  decay_ = recipe.number("noise.path_decay", 0.01, 0.0, 1.0);
  mean_ = torch::zeros({}, device);
}

torch::Tensor PathLength::operator()(NoiseGenerator& generator, const torch::Tensor& noise,
                                     const torch::Tensor& classes, Scalars& scalars) {
  const AutocastScope off(false, noise.is_cuda());
  const torch::Tensor styles = generator.map(noise, classes);
  const torch::Tensor pictures = generator.synthesise(styles, LayerNoise::random);
  const double pixels = static_cast<double>(pictures.size(2)) * static_cast<double>(pictures.size(3));
  const torch::Tensor direction = torch::randn_like(pictures) / std::sqrt(pixels);
  const torch::Tensor slope = torch::autograd::grad({(pictures * direction).sum()}, {styles}, {}, true, true)[0];
  const torch::Tensor lengths = slope.square().sum(2).mean(1).sqrt();
  mean_ = torch::lerp(mean_, lengths.detach().mean(), decay_);
  scalars["generator.path_length"] = mean_.item<double>();
  return (lengths - mean_).square().mean() * (weight_ * static_cast<double>(interval_));
}

}  // namespace ganvas
