#include "ganvas/nn/noise_generator.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "nn/plugins.hpp"

namespace ganvas {

torch::Tensor NoiseGenerator::at_level(const torch::Tensor&, int, double) {
  fail(ErrorKind::recipe, "generator.architecture: {} doesn't grow; take progressive", architecture());
}

torch::Tensor truncated(const torch::Tensor& styles, const torch::Tensor& mean, double psi, int cutoff) {
  const std::int64_t layers = styles.size(1);
  const std::int64_t changed = cutoff < 0 ? layers : std::min<std::int64_t>(cutoff, layers);
  const torch::Tensor first = torch::lerp(mean.view({1, 1, -1}).expand({styles.size(0), changed, styles.size(2)}),
                                          styles.narrow(1, 0, changed), psi);
  return torch::cat({first, styles.narrow(1, changed, layers - changed)}, 1);
}

const std::vector<NoiseGeneratorPlugin>& noise_generator_plugins() {
  static const std::vector<NoiseGeneratorPlugin> plugins = [] {
    auto all = all_noise_generator_plugins();
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
    return all;
  }();
  return plugins;
}

NoiseGeneratorPtr make_noise_generator(const std::string& architecture, const nlohmann::json& config) {
  std::vector<std::string> known;
  for (const auto& plugin : noise_generator_plugins()) {
    if (plugin.name == architecture) return plugin.make(config);
    known.push_back(plugin.name);
  }
  fail(ErrorKind::recipe, "unknown generator from noise '{}'; known: {}", architecture, fmt::join(known, ", "));
}

NoiseGeneratorPtr noise_generator_from(const StateDict& weights, const std::string& name) {
  for (const auto& plugin : noise_generator_plugins()) {
    const auto found = plugin.detect(weights);
    if (!found) continue;
    NoiseGeneratorPtr network = plugin.make(found->config);
    load_state_dict(*network, found->weights, name);
    network->eval();
    for (auto& parameter : network->parameters()) parameter.set_requires_grad(false);
    return network;
  }
  return nullptr;
}

}  // namespace ganvas
