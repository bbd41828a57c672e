#include "ganvas/loss/lpips.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/torch_compat.hpp"

namespace ganvas {

torch::Tensor unit_channels(const torch::Tensor& features) {
  const torch::Tensor x = features.to(torch::kFloat);
  // The published code adds 1e-10 to the length; clamped below that, its root has a gradient.
  const torch::Tensor length = x.square().sum(1, /*keepdim=*/true).clamp_min(1e-20).sqrt();
  return x / (length + 1e-10);
}

Lpips::Lpips(FeatureNetworkPtr network, const StateDict& heads, const std::string& name)
    : network_(std::move(network)) {
  const StateDict& source = heads.empty() ? network_->heads() : heads;
  const auto layers = network_->lpips_layers();
  if (layers.empty())
    fail(ErrorKind::model, "{}: LPIPS needs all of SqueezeNet 1.1 or VGG-16, or the shipped network 'features'",
         network_->architecture());
  if (source.empty())
    fail(ErrorKind::model, "{}: comes without LPIPS heads; give a file of heads", network_->architecture());
  if (source.size() != layers.size())
    fail(ErrorKind::model, "{}: {} LPIPS heads, but {} has {} layers for them; are they another network's?", name,
         source.size(), network_->architecture(), layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string key = fmt::format("lin{}.model.1.weight", i);
    const torch::Tensor* weight = source.find(key);
    if (!weight) fail(ErrorKind::model, "{}: '{}' is missing: no LPIPS heads", name, key);
    const int channels = network_->channels(layers[i]);
    if (weight->numel() != channels)
      fail(ErrorKind::model, "{}: '{}' is for {} channels, but layer {} of {} has {}", name, key, weight->numel(),
           layers[i], network_->architecture(), channels);
    weights_.push_back(weight->detach().to(torch::kFloat).reshape({1, channels, 1, 1}));
  }
}

Lpips Lpips::load(const std::filesystem::path& network, const std::filesystem::path& heads) {
  return load(load_feature_network(network), heads);
}

Lpips Lpips::load(FeatureNetworkPtr network, const std::filesystem::path& heads) {
  if (heads.empty()) return Lpips(std::move(network));
  return Lpips(std::move(network), load_lpips_heads(heads), heads.string());
}

torch::Tensor Lpips::operator()(const torch::Tensor& a, const torch::Tensor& b) const {
  const auto names = layers();
  return from_features(network_->features(a, names), network_->features(b, names));
}

torch::Tensor Lpips::from_features(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) const {
  const AutocastScope off(false, a.at(0).is_cuda());
  torch::Tensor sum;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const torch::Tensor difference = (unit_channels(a.at(i)) - unit_channels(b.at(i))).square();
    const torch::Tensor distance = (difference * weights_[i]).sum(1).mean({1, 2});
    sum = sum.defined() ? sum + distance : distance;
  }
  return sum;
}

void Lpips::to(torch::Device device) {
  network_->to(device);
  for (auto& weight : weights_) weight = weight.to(device);
}

}  // namespace ganvas
