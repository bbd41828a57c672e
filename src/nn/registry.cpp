#include "ganvas/nn/registry.hpp"

#include <algorithm>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/torchscript_network.hpp"
#include "nn/blocks.hpp"
#include "nn/keys.hpp"
#include "nn/nearest.hpp"
#include "nn/plugins.hpp"

namespace ganvas {

const std::vector<GeneratorPlugin>& generator_plugins() {
  static const std::vector<GeneratorPlugin> plugins = [] {
    std::vector<GeneratorPlugin> all = all_generator_plugins();
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
    return all;
  }();
  return plugins;
}

namespace {

std::string known_architectures() {
  std::vector<std::string> names;
  for (const auto& plugin : generator_plugins()) names.push_back(plugin.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string shape_text(const torch::Tensor& tensor) {
  return fmt::format("[{}]", fmt::join(tensor.sizes().vec(), ","));
}

[[noreturn]] void unknown_network(const StateDict& weights, const std::string& name) {
  std::string first;
  int shown = 0;
  for (const auto& [key, tensor] : weights) {
    if (shown++ == 5) break;
    first += fmt::format("{}{} {}", first.empty() ? "" : ", ", key, shape_text(tensor));
  }
  const std::string nearest = nearest_architecture(weights);
  fail(ErrorKind::model, "{}: unknown network: {} tensors, the first are {}; {}known architectures: {}", name,
       weights.size(), first, nearest.empty() ? "" : fmt::format("most like {}; ", nearest), known_architectures());
}

/// The network of a file that says itself what it is.
std::optional<Detected> described(const ModelFile& file, std::string& architecture) {
  const auto name = file.metadata.find("ganvas.architecture");
  const auto config = file.metadata.find("ganvas.config");
  if (name == file.metadata.end() || config == file.metadata.end()) return std::nullopt;
  architecture = name->second;
  auto parsed = nlohmann::json::parse(config->second, nullptr, false);
  if (parsed.is_discarded()) return std::nullopt;
  return Detected{std::move(parsed), file.weights, "ganvas"};
}

}  // namespace

const GeneratorPlugin& generator_plugin(const std::string& name) {
  for (const auto& plugin : generator_plugins())
    if (plugin.name == name) return plugin;
  fail(ErrorKind::recipe, "unknown architecture '{}'; known: {}", name, known_architectures());
}

GeneratorPtr make_generator(const std::string& architecture, const nlohmann::json& config) {
  return generator_plugin(architecture).make(config);
}

LoadedGenerator generator_from(ModelFile file, const std::string& name) {
  LoadedGenerator loaded;
  std::string architecture;
  const NameInFile own_name(file.text("nunif.name"));
  std::optional<Detected> found = described(file, architecture);
  for (auto plugin = generator_plugins().begin(); !found && plugin != generator_plugins().end(); ++plugin) {
    try {
      found = plugin->detect(file.weights);
    } catch (const Error& error) {
      fail(ErrorKind::model, "{}: looks like {}, but {}", name, plugin->name, error.what());
    }
    architecture = plugin->name;
  }
  if (!found) unknown_network(file.weights, name);
  try {
    // A description may lie about the size. Twice the file's weights and some leave room for a few missing layers,
    // which are then named.
    const WeightBudget budget(2 * file.weights.element_count() + 1'000'000);
    loaded.network = make_generator(architecture, found->config);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::model, "{}: its description of the network can't be read: {}", name, found->config.dump());
  } catch (const Error& error) {
    fail(ErrorKind::model, "{}: {}", name, error.what());
  }
  load_state_dict(*loaded.network, found->weights, name);
  loaded.network->weights_changed();
  loaded.network->eval();
  for (auto& parameter : loaded.network->parameters()) parameter.set_requires_grad(false);
  loaded.layout = found->layout;
  file.weights = {};
  loaded.file = std::move(file);
  return loaded;
}

LoadedGenerator load_generator(const std::filesystem::path& path) {
  if (is_torchscript(path)) return load_torchscript(path);
  return generator_from(read_model_file(path), path.string());
}

StateDict state_dict_of(const torch::nn::Module& module) {
  StateDict weights;
  for (const auto& item : module.named_parameters()) weights.set(item.key(), item.value().detach());
  for (const auto& item : module.named_buffers()) weights.set(item.key(), item.value().detach());
  return weights;
}

void load_state_dict(torch::nn::Module& module, const StateDict& weights, const std::string& name) {
  const torch::NoGradGuard no_grad;
  std::set<std::string> used;
  auto copy_in = [&](const std::string& key, torch::Tensor target) {
    const torch::Tensor* source = weights.find(key);
    if (!source && key.ends_with("num_batches_tracked")) return;  // counts training steps, and changes nothing
    if (!source) fail(ErrorKind::model, "{}: weight '{}' is missing", name, key);
    if (source->sizes() != target.sizes())
      fail(ErrorKind::model, "{}: weight '{}' has shape {}, expected {}", name, key, shape_text(*source),
           shape_text(target));
    target.copy_(*source);
    used.insert(key);
  };
  for (const auto& item : module.named_parameters()) copy_in(item.key(), item.value());
  for (const auto& item : module.named_buffers()) copy_in(item.key(), item.value());
  for (const auto& [key, tensor] : weights)
    if (!used.contains(key)) fail(ErrorKind::model, "{}: unexpected weight '{}' {}", name, key, shape_text(tensor));
}

GeneratorPtr replicate(const Generator& network) {
  if (GeneratorPtr copy = network.duplicate()) return copy;
  GeneratorPtr copy = make_generator(network.architecture(), network.config());
  load_state_dict(*copy, state_dict_of(network), network.architecture());
  copy->weights_changed();
  copy->train(network.is_training());
  for (auto& parameter : copy->parameters()) parameter.set_requires_grad(false);
  return copy;
}

void save_generator(const std::filesystem::path& path, const Generator& network,
                    const std::map<std::string, std::string>& extra, bool half) {
  ModelFile file;
  for (const auto& [key, tensor] : state_dict_of(network)) {
    torch::Tensor stored = tensor.to(torch::kCPU);
    if (half && stored.is_floating_point()) stored = stored.to(torch::kHalf);
    file.weights.set(key, stored.contiguous());
  }
  const GeneratorInfo info = network.info();
  file.metadata = extra;
  file.metadata["format"] = "pt";
  file.metadata["ganvas.architecture"] = network.architecture();
  file.metadata["ganvas.config"] = network.config().dump();
  file.metadata["ganvas.scale"] = fmt::format("{}", info.scale);
  file.metadata["ganvas.value_range"] = fmt::format("{}", info.value_range);
  if (info.value_low != 0) file.metadata["ganvas.value_low"] = fmt::format("{}", info.value_low);
  write_model_file(path, file);
}

}  // namespace ganvas
