#pragma once

#include <torch/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ganvas/core/recipe.hpp"
#include "ganvas/loss/lpips.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/recipe_model.hpp"

namespace ganvas {

/// Named parts of a loss: weighted scalar tensors in fp32, to be added up.
using Terms = std::map<std::string, torch::Tensor>;

struct PerceptualOptions {
  std::vector<std::string> layers;      ///< of the feature network; empty where only LPIPS is used
  std::vector<double> layer_weights{};  ///< one a layer; empty: 1 each
  std::string criterion = "l1";         ///< on features and Gram matrices: l1, l2 or charbonnier (pixel_loss)
  double weight = 0;                    ///< of the features' distance (Johnson et al. 2016, eq. 2)
  double style_weight = 0;              ///< of the statistics' distance
  double normalised_weight = 0;         ///< of the features' distance without their own means and deviations
  double lpips_weight = 0;
  std::vector<std::string> style_layers{};  ///< where statistics are compared; empty: at `layers`, by their weights
  /// What style is: Gram matrices (Gatys et al. 2016; Johnson et al., eq. 4), or means and deviations of the channels
  /// (Huang and Belongie 2017, eq. 13).
  std::string statistics = "gram";
  bool half_size = false;  ///< style also of copies of half the size: strokes twice as broad
  StateDict heads{};       ///< LPIPS heads; empty: those in the network's file
};

/// N x C x H x W -> N x 2C: each channel's mean over all places, then its deviation (biased). fp32 (fp64 stays).
torch::Tensor channel_moments(const torch::Tensor& features);
/// The features without their channels' own means and deviations. fp32.
torch::Tensor channel_normalised(const torch::Tensor& features);

/// N x C x H x W -> N x C x C, inner products of channels over all places / (C H W) (Johnson et al. 2016, eq. 3). fp32.
torch::Tensor gram_matrix(const torch::Tensor& features);

/// Distances between pictures in the space of a feature network. One pass of the network a picture serves all terms;
/// under the caller's AutocastScope it runs in bf16, distances are always fp32.
class PerceptualLoss {
 public:
  /// Throws Error(recipe) for unknown layers or criteria and weights that don't fit the layers, Error(model) for heads
  /// that don't fit the network.
  PerceptualLoss(FeatureNetworkPtr network, PerceptualOptions options);

  /// result, target: N x 3 x H x W, RGB in [0,1]. Those of "perceptual", "normalised", "style" and "lpips" whose weight
  /// isn't 0, as a mean over the batch. No gradient flows to the target.
  Terms operator()(const torch::Tensor& result, const torch::Tensor& target) const;
  /// The same, with the style of another picture, of any size: `target` is then what "perceptual" and "lpips" look at.
  Terms operator()(const torch::Tensor& result, const torch::Tensor& target, const torch::Tensor& style) const;

  FeatureNetwork& network() const { return *network_; }
  void to(torch::Device device);

 private:
  FeatureNetworkPtr network_;
  PerceptualOptions options_;
  std::unique_ptr<Lpips> lpips_;
  /// What is compared at a layer's features, added to the terms.
  torch::Tensor style_distance(const torch::Tensor& a, const torch::Tensor& b) const;
  bool compares_content() const { return options_.weight != 0 || options_.normalised_weight != 0; }

  std::vector<std::string> style_layers_;
  std::vector<double> style_shares_;
  std::vector<std::string> layers_;  ///< of the content, of the style, then LPIPS's
};

/// A perceptual loss from the keys `prefix`.network, layers, layer_weights, criterion, weight, normalised_weight,
/// style_weight, style_layers, statistics, half_size, lpips_weight, heads, input and padding, all of which are read and
/// recorded. nullptr, with nothing loaded, where all weights are 0 (the default) or `find_model` is empty.
std::unique_ptr<PerceptualLoss> perceptual_from_recipe(Recipe& recipe, const std::string& prefix,
                                                       const FindModel& find_model, torch::Device device);

}  // namespace ganvas
