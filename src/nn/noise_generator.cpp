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

const Registry<NoiseGeneratorPlugin>& noise_generator_plugins() {
  static const Registry<NoiseGeneratorPlugin> plugins("generator from noise", all_noise_generator_plugins());
  return plugins;
}

NoiseGeneratorPtr make_noise_generator(const std::string& architecture, const nlohmann::json& config) {
  return noise_generator_plugins().at(architecture).make(config);
}

NoiseGeneratorPtr noise_generator_from(const StateDict& weights, const std::string& name) {
  const auto found = noise_generator_plugins().recognise(weights, name);
  if (!found) return nullptr;
  const auto& [plugin, detected] = *found;
  NoiseGeneratorPtr network = plugin->make(detected.config);
  load_state_dict(*network, detected.weights, name);
  freeze(*network);
  return network;
}

}  // namespace ganvas
