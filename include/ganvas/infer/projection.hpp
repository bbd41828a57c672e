#pragma once

#include <torch/types.h>

#include <functional>
#include <utility>
#include <vector>

#include "ganvas/infer/options.hpp"
#include "ganvas/nn/noise_generator.hpp"

namespace ganvas {

/// What was found for one picture.
struct Projected {
  torch::Tensor styles;   ///< 1 x layers x style
  torch::Tensor picture;  ///< 1 x C x H x W in the network's range, of these styles and planes
  std::vector<std::pair<std::string, torch::Tensor>> planes;  ///< of noise; empty for networks without
  std::vector<torch::Tensor> progress;                        ///< pictures on the way, the first of the mean style
  double distance = 0;                                        ///< the last one, without the noise's part
};

/// Distance of a picture, 1 x C x H x W in the network's range, from a target; with a graph to the picture.
using PictureDistance = std::function<torch::Tensor(const torch::Tensor& picture)>;
/// What of a target doesn't change is computed once.
using DistanceTo = std::function<PictureDistance(const torch::Tensor& target)>;

/// Searches the styles and planes of noise that make `target` (1 x C x H x W, the network's size and range): Karras et
/// al. 2020, appendix D. From the mean of 10,000 styles by Adam, with noise on the styles that fades, while the planes
/// are kept from carrying a signal: their correlation with themselves shifted by a pixel, at all scales down to 8,
/// weighs `options.noise`. `step` is told of each step, from 0, and its distance; it may throw. Small pictures are made
/// by the calling thread alone, since several would wait for one another longer than they compute. Throws Error(usage)
/// for a network without styles.
Projected project(NoiseGenerator& network, const torch::Tensor& target, const DistanceTo& distance_to,
                  const ProjectOptions& options, const std::function<void(int step, double distance)>& step = {});

}  // namespace ganvas
