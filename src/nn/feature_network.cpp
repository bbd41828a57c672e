#include "ganvas/nn/feature_network.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/recipe.hpp"
#include "ganvas/nn/precision.hpp"
#include "nn/blocks.hpp"
#include "nn/described.hpp"
#include "nn/plugins.hpp"

namespace ganvas {

std::vector<std::string> FeatureNetwork::layer_names() const {
  std::vector<std::string> names;
  for (const auto& step : steps_) names.push_back(step.name);
  return names;
}

std::size_t FeatureNetwork::layer_index(const std::string& name) const {
  const auto alias = aliases_.find(name);
  const std::string& own = alias == aliases_.end() ? name : alias->second;
  for (std::size_t i = 0; i < steps_.size(); ++i)
    if (steps_[i].name == own) return i;
  fail(ErrorKind::recipe, "{}: no layer '{}' in these weights; there are: {}", architecture(), name,
       fmt::join(layer_names(), ", "));
}

torch::Tensor FeatureNetwork::apply(std::size_t step, const torch::Tensor& x, bool overwrite) const {
  if (std::min(x.size(2), x.size(3)) < steps_[step].smallest)
    fail(ErrorKind::data, "{}: pictures too small: layer {} gets {}x{}", architecture(), steps_[step].name, x.size(3),
         x.size(2));
  return steps_[step].apply(x, overwrite);
}

torch::Tensor FeatureNetwork::continued(const torch::Tensor& from_output, const std::string& from,
                                        const std::string& to) {
  torch::Tensor x = from_output;
  const std::size_t first = layer_index(from) + 1;
  for (std::size_t i = first; i <= layer_index(to); ++i) x = apply(i, x, i > first);
  return x;
}

std::vector<torch::Tensor> FeatureNetwork::features(const torch::Tensor& images,
                                                    const std::vector<std::string>& layers) {
  std::map<std::size_t, torch::Tensor> wanted;
  for (const auto& name : layers) wanted.try_emplace(layer_index(name));
  if (wanted.empty()) return {};
  if (images.dim() != 4 || images.size(1) != 3)
    fail(ErrorKind::data, "{}: takes pictures of N x 3 x H x W, not [{}]", architecture(),
         fmt::join(images.sizes().vec(), ","));
  torch::Tensor x = normalised(images).contiguous(at::MemoryFormat::ChannelsLast);
  bool overwrite = false;  // never the caller's pictures, and no layer that was asked for
  for (std::size_t i = 0; i <= wanted.rbegin()->first; ++i) {
    const auto found = wanted.find(i);
    x = apply(i, x, overwrite);
    overwrite = found == wanted.end();
    if (!overwrite) found->second = x;
  }
  std::vector<torch::Tensor> results;
  for (const auto& name : layers) results.push_back(wanted.at(layer_index(name)));
  return results;
}

const Registry<FeaturePlugin>& feature_plugins() {
  static const Registry<FeaturePlugin> plugins("feature network", all_feature_plugins());
  return plugins;
}

namespace {

/// LPIPS heads in a network's own file stand beside its weights under this.
constexpr const char* heads_prefix = "lpips.";

StateDict take_heads(StateDict& weights) {
  StateDict heads, rest;
  for (const auto& [key, tensor] : weights) {
    if (key.starts_with(heads_prefix))
      heads.set(key.substr(std::string(heads_prefix).size()), tensor.to(torch::kFloat));
    else rest.set(key, tensor);
  }
  weights = std::move(rest);
  return heads;
}

Described recognised_features(const ModelFile& file, const std::string& name) {
  if (auto said = described(file); said && said->network.config.is_object()) return *said;
  if (auto found = feature_plugins().recognise(file.weights, name))
    return {found->first->name, std::move(found->second)};
  fail(ErrorKind::model, "{}: is no feature network that ganvas knows (first key {}); known: {}", name,
       file.weights.empty() ? "none" : file.weights.begin()->first, fmt::join(feature_plugins().names(), ", "));
}

}  // namespace

FeatureNetworkPtr make_feature_network(const std::string& architecture, const nlohmann::json& config) {
  return feature_plugins().at(architecture).make(config);
}

FeatureNetworkPtr feature_network_from(ModelFile file, const std::string& name, const nlohmann::json& overrides) {
  StateDict heads = take_heads(file.weights);
  auto [architecture, found] = recognised_features(file, name);
  for (const auto& [key, value] : overrides.items()) found.config[key] = value;
  FeatureNetworkPtr network;
  try {
    // As for generators: a file's own description may ask for any amount of memory.
    const WeightBudget budget(2 * found.weights.element_count() + 1'000'000);
    network = make_feature_network(architecture, found.config);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::model, "{}: its description of the network can't be read: {}", name, found.config.dump());
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", name, error.what());
  }
  load_state_dict(*network, found.weights, name);
  network->set_heads(std::move(heads));
  use_channels_last(*network);
  freeze(*network);
  return network;
}

FeatureNetworkPtr load_feature_network(const std::filesystem::path& path, const nlohmann::json& overrides) {
  if (!std::filesystem::exists(path))
    fail(ErrorKind::file, "{}: this feature network is not here; get it with: ganvas model fetch {}", path.string(),
         fetch_name(path));
  return feature_network_from(read_model_file(path), path.string(), overrides);
}

StateDict load_lpips_heads(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    fail(ErrorKind::file, "{}: these LPIPS heads are not here; get them with: ganvas model fetch {}", path.string(),
         fetch_name(path));
  return read_model_file(path).weights;
}

void save_feature_network(const std::filesystem::path& path, const FeatureNetwork& network,
                          const std::map<std::string, std::string>& extra, bool half) {
  ModelFile file;
  const auto add = [&](const std::string& key, const torch::Tensor& tensor) {
    file.weights.set(key, tensor.to(torch::kCPU).to(half ? torch::kHalf : torch::kFloat).contiguous());
  };
  for (const auto& [key, tensor] : state_dict_of(network)) add(key, tensor);
  for (const auto& [key, tensor] : network.heads()) add(heads_prefix + key, tensor);
  file.metadata = extra;
  describe(file, network.architecture(), network.config());
  write_model_file(path, file);
}

std::string fetch_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  const auto dash = stem.rfind('-');
  if (dash == std::string::npos || stem.size() - dash != 9) return stem;
  const bool hash = stem.find_first_not_of("0123456789abcdef", dash + 1) == std::string::npos;
  return hash ? stem.substr(0, dash) : stem;
}

}  // namespace ganvas
