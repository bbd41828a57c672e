#include "ganvas/loss/style_distance.hpp"

#include <torch/torch.h>

#include "ganvas/loss/perceptual.hpp"
#include "ganvas/loss/pixel.hpp"

namespace ganvas {

const std::vector<std::string>& style_distance_layers() {
  static const std::vector<std::string> layers{"relu1_1", "relu2_1", "relu3_1"};
  return layers;
}

StyleDistance style_distance(FeatureNetwork& network, const torch::Tensor& result, const torch::Tensor& content,
                             const torch::Tensor& style, const std::vector<std::string>& layers) {
  const torch::NoGradGuard no_grad;
  const auto of_result = network.features(result, layers), of_style = network.features(style, layers);
  const torch::Tensor wanted = network.features(content, {layers.back()})[0];
  StyleDistance distance;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const torch::Tensor own = gram_matrix(of_result[i]), theirs = gram_matrix(of_style[i]);
    distance.gram.push_back(((own - theirs).square().sum() / theirs.square().sum().clamp_min(1e-20)).item<double>());
    // Means and deviations stand side by side: the mean over both is half the sum of theirs.
    distance.moments +=
        2 * pixel_loss("l2", channel_moments(of_result[i]), channel_moments(of_style[i])).item<double>();
  }
  distance.moments /= static_cast<double>(layers.size());
  distance.content = pixel_loss("l2", of_result.back(), wanted).item<double>();
  distance.normalised =
      pixel_loss("l2", channel_normalised(of_result.back()), channel_normalised(wanted)).item<double>();
  return distance;
}

}  // namespace ganvas
