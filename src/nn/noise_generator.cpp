#include "ganvas/nn/noise_generator.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
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

void save_noise_generator(const std::filesystem::path& path, const NoiseGenerator& network,
                          const std::vector<std::string>& class_names,
                          const std::map<std::string, std::string>& extra) {
  ModelFile file;
  for (const auto& [key, tensor] : state_dict_of(network)) file.weights.set(key, tensor.to(torch::kCPU).contiguous());
  file.metadata = extra;
  file.metadata["format"] = "pt";
  file.metadata["ganvas.architecture"] = network.architecture();
  file.metadata["ganvas.config"] = network.config().dump();
  if (!class_names.empty()) file.metadata["ganvas.classes"] = nlohmann::json(class_names).dump();
  write_model_file(path, file);
}

namespace {

/// The network that a file of ours describes; null for other files.
NoiseGeneratorPtr described(const ModelFile& file, const std::string& name) {
  const std::string architecture = file.text("ganvas.architecture");
  const auto& plugins = noise_generator_plugins();
  const auto plugin = std::find_if(plugins.begin(), plugins.end(),
                                   [&](const NoiseGeneratorPlugin& known) { return known.name == architecture; });
  if (plugin == plugins.end()) return nullptr;
  const nlohmann::json config = nlohmann::json::parse(file.text("ganvas.config"), nullptr, false);
  try {
    return plugin->make(config);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::model, "{}: its description of the network can't be read", name);
  } catch (const Error& error) {
    fail(ErrorKind::model, "{}: {}", name, error.what());
  }
}

std::vector<std::string> class_names_of(const ModelFile& file, int classes) {
  const nlohmann::json named = nlohmann::json::parse(file.text("ganvas.classes"), nullptr, false);
  std::vector<std::string> names;
  for (int i = 0; i < classes; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool known = named.is_array() && at < named.size() && named[at].is_string();
    names.push_back(known ? named[at].get<std::string>() : fmt::format("{}", i));
  }
  return names;
}

}  // namespace

LoadedNoiseGenerator load_noise_generator(const std::filesystem::path& path) {
  const ModelFile file = read_model_file(path);
  const std::string name = path.string();
  // A description may lie about the size.
  const WeightBudget budget(2 * file.weights.element_count() + 1'000'000);
  LoadedNoiseGenerator loaded;
  loaded.network = described(file, name);
  if (loaded.network) {
    load_state_dict(*loaded.network, file.weights, name);
    loaded.network->eval();
    for (auto& parameter : loaded.network->parameters()) parameter.set_requires_grad(false);
  } else {
    loaded.network = noise_generator_from(file.weights, name);
  }
  if (!loaded.network) {
    std::vector<std::string> known;
    for (const auto& plugin : noise_generator_plugins()) known.push_back(plugin.name);
    fail(ErrorKind::model, "{}: makes no pictures from noise; known: {}", name, fmt::join(known, ", "));
  }
  loaded.class_names = class_names_of(file, loaded.network->info().classes);
  return loaded;
}

}  // namespace ganvas
