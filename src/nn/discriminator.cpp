#include "ganvas/nn/discriminator.hpp"

#include <torch/types.h>

#include "ganvas/core/error.hpp"
#include "nn/plugins.hpp"

namespace ganvas {

const Registry<DiscriminatorPlugin>& discriminator_plugins() {
  static const Registry<DiscriminatorPlugin> plugins("discriminator", all_discriminator_plugins());
  return plugins;
}

DiscriminatorPtr make_discriminator(const std::string& architecture, const nlohmann::json& config, int size) {
  return discriminator_plugins().at(architecture).make(config, size);
}

std::vector<torch::Tensor> Discriminator::features(const torch::Tensor&) {
  fail(ErrorKind::recipe, "discriminator.architecture: {} offers no features to match; take patch or multi-scale",
       architecture());
}

torch::Tensor Discriminator::mean_class(const torch::Tensor& pictures) const {
  if (classes() == 0) return {};
  return torch::full({pictures.size(0), classes()}, 1.0 / classes(), torch::TensorOptions().device(pictures.device()));
}

torch::Tensor Discriminator::at_level(const torch::Tensor&, int, double, const torch::Tensor&) {
  fail(ErrorKind::recipe, "discriminator.architecture: {} doesn't grow; take progressive", architecture());
}

DiscriminatorPtr discriminator_from(const StateDict& weights, const std::string& name) {
  const auto found = discriminator_plugins().recognise(weights, name);
  if (!found) return nullptr;
  const auto& [plugin, detected] = *found;
  DiscriminatorPtr network = plugin->make(detected.config, Discriminator::any_size);
  load_state_dict(*network, detected.weights, name);
  freeze(*network);
  return network;
}

}  // namespace ganvas
