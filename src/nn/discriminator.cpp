#include "ganvas/nn/discriminator.hpp"

#include <torch/types.h>

#include "ganvas/core/error.hpp"
#include "ganvas/nn/registry.hpp"
#include "nn/plugins.hpp"

namespace ganvas {

const std::vector<DiscriminatorPlugin>& discriminator_plugins() {
  static const std::vector<DiscriminatorPlugin> plugins = all_discriminator_plugins();
  return plugins;
}

DiscriminatorPtr make_discriminator(const std::string& architecture, const nlohmann::json& config, int size) {
  std::vector<std::string> known;
  for (const auto& plugin : discriminator_plugins()) {
    if (plugin.name == architecture) return plugin.make(config, size);
    known.push_back(plugin.name);
  }
  fail(ErrorKind::recipe, "unknown discriminator '{}'; known: {}", architecture, fmt::join(known, ", "));
}

std::vector<torch::Tensor> Discriminator::features(const torch::Tensor&) {
  fail(ErrorKind::recipe, "discriminator.architecture: {} offers no features to match; take patch or multi-scale",
       architecture());
}

torch::Tensor Discriminator::at_level(const torch::Tensor&, int, double) {
  fail(ErrorKind::recipe, "discriminator.architecture: {} doesn't grow; take progressive", architecture());
}

DiscriminatorPtr discriminator_from(const StateDict& weights, const std::string& name) {
  constexpr int any_size = 4096;  // only recipes know the pictures
  for (const auto& plugin : discriminator_plugins()) {
    if (!plugin.detect) continue;
    const auto found = plugin.detect(weights);
    if (!found) continue;
    DiscriminatorPtr network = plugin.make(found->config, any_size);
    load_state_dict(*network, found->weights, name);
    network->eval();
    for (auto& parameter : network->parameters()) parameter.set_requires_grad(false);
    return network;
  }
  return nullptr;
}

}  // namespace ganvas
