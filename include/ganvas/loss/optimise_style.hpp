#pragma once

#include <torch/types.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ganvas/nn/feature_network.hpp"

namespace ganvas {

struct OptimisedStyleOptions {
  int steps = 100;       ///< at each size
  int first_size = 128;  ///< longer side at which it begins; each following one is sqrt(2) times as large
  double rate = 0.02;    ///< Adam's
  double content = 0.05;
  double variation = 0.5;  ///< weight of the squared differences of neighbours
  double average = 0.9;    ///< decay of the running mean of the picture that is the result
  /// Where statistics are compared, and the content; empty: every first convolution of a block that the VGG has (or all
  /// of another network's own layers of comparison), and the last of these but one.
  std::vector<std::string> style_layers{}, content_layers{};
};

/// Searches the picture that has the features of the content and the statistics of the styles (Gatys et al. 2016), from
/// the content on and from small to large (Gatys et al. 2017, section 6; the sizes as in Crowson's style-transfer):
///   sum over layers of |G - G_style|^2 / |G_style|^2 + content * |F - F_content|^2 / |F_content - its mean|^2
///   + variation * squared differences of neighbours,
/// by Adam on the pixels. `content`: 1 x 3 x H x W, RGB in [0, 1]; styles of any size with shares that add up to 1.
/// Slow: a forward and a backward pass of the feature network a step. Deterministic. `step` is told the finished share,
/// 0..1, and the loss; it may throw. Returns the content's size, in [0, 1].
torch::Tensor optimise_style(FeatureNetwork& network, const torch::Tensor& content,
                             const std::vector<std::pair<torch::Tensor, double>>& styles,
                             const OptimisedStyleOptions& options,
                             const std::function<void(double share, double loss)>& step = {});

}  // namespace ganvas
