#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ganvas/nn/feature_network.hpp"

namespace ganvas {

/// LPIPS v0.1, "lin" variant (Zhang et al. 2018, eq. 1): features of each layer are scaled to unit length over the
/// channels, their squared differences weighted channel by channel, averaged over the picture and summed over layers.
/// 0 for equal pictures; the larger, the less alike. Published for SqueezeNet 1.1 and VGG-16 on pictures in [0,1].
class Lpips {
 public:
  /// `heads`: "lin0.model.1.weight" ... of 1 x C x 1 x 1, one a layer of network->lpips_layers(). Empty: the network's
  /// own. Throws Error(model) when they don't fit.
  explicit Lpips(FeatureNetworkPtr network, const StateDict& heads = {}, const std::string& name = "heads");
  /// `heads` may be empty where the network's file holds its own. Throws Error(file) for a missing file, with the
  /// command that fetches it.
  static Lpips load(const std::filesystem::path& network, const std::filesystem::path& heads);
  static Lpips load(FeatureNetworkPtr network, const std::filesystem::path& heads);

  /// a, b: N x 3 x H x W in [0,1] -> N distances in fp32.
  torch::Tensor operator()(const torch::Tensor& a, const torch::Tensor& b) const;

  /// The same from features that were computed already, of layers() in order.
  torch::Tensor from_features(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) const;
  std::vector<std::string> layers() const { return network_->lpips_layers(); }
  const FeatureNetworkPtr& network() const { return network_; }
  /// Channel weights of a layer, 1 x C x 1 x 1.
  const std::vector<torch::Tensor>& weights() const { return weights_; }
  void to(torch::Device device);

 private:
  FeatureNetworkPtr network_;
  std::vector<torch::Tensor> weights_;
};

/// x / |x| over the channels, as LPIPS does; 0 where all channels are 0, with a finite gradient. In fp32.
torch::Tensor unit_channels(const torch::Tensor& features);

}  // namespace ganvas
