#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "ganvas/nn/feature_network.hpp"

namespace ganvas {

/// How near a stylised picture is to a style and to a content, in the eyes of a feature network.
struct StyleDistance {
  std::vector<double> gram;  ///< a layer each: |G(result) - G(style)|^2 / |G(style)|^2 (Frobenius), 0 for the style
  double moments = 0;        ///< mean over the layers of MSE(means) + MSE(deviations) of the channels, to the style
  double content = 0;        ///< MSE of the last layer's features, to the content
  double normalised = 0;  ///< the same without the channels' own means and deviations: 0 for the content, about 2 for
                          ///< features that have nothing to do with it
};

/// Where figures of the field are taken, as far as the small networks go.
const std::vector<std::string>& style_distance_layers();

/// result and content: 1 x 3 x H x W of one size, style of any, RGB in [0, 1]. In fp32. Throws Error(recipe) for layers
/// that the network doesn't have.
StyleDistance style_distance(FeatureNetwork& network, const torch::Tensor& result, const torch::Tensor& content,
                             const torch::Tensor& style,
                             const std::vector<std::string>& layers = style_distance_layers());

}  // namespace ganvas
