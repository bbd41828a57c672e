#include "commands/model_facts.hpp"

#include <torch/torch.h>

#include "ganvas/core/bounded_json.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/graph_files.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/style_network.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

namespace {

std::int64_t parameter_count(const torch::nn::Module& network) {
  std::int64_t count = 0;
  for (const auto& parameter : network.parameters()) count += parameter.numel();
  // Constants of the network's own count too: a file's header, of which `model list` reads no more, can't tell them
  // from parameters. Statistics of batch norms and blur filters are known by name.
  for (const auto& buffer : network.named_buffers()) {
    const std::string& key = buffer.key();
    const bool known = key.ends_with(".running_mean") || key.ends_with(".running_var") || key.ends_with(".filt");
    if (buffer.value().is_floating_point() && !known) count += buffer.value().numel();
  }
  return count;
}

/// Of a graph's description, which holds every operation, what people want to know: how often each operator stands in
/// it.
nlohmann::json graph_facts(const nlohmann::json& config) {
  nlohmann::json operators = nlohmann::json::object();
  for (const auto& operation : config.at("operations")) {
    auto& count = operators[operation.at("op").get<std::string>()];
    count = count.is_null() ? 1 : count.get<int>() + 1;
  }
  return {{"operators", operators}, {"margin", config.at("margin")}};
}

nlohmann::ordered_json generator_facts(const std::string& name, const LoadedGenerator& model) {
  const GeneratorInfo info = model.network->info();
  nlohmann::ordered_json text{
      {"file", name},
      {"container", model.file.container},
      {"architecture", model.network->architecture()},
      {"layout", model.layout},
      {"config",
       model.network->architecture() == "graph" ? graph_facts(model.network->config()) : model.network->config()},
      {"parameters", parameter_count(*model.network)},
      {"scale", info.scale},
      {"in_channels", info.in_channels},
      {"out_channels", info.out_channels},
      {"receptive_field", info.global ? nlohmann::ordered_json("global") : nlohmann::ordered_json(2 * info.halo + 1)},
      {"value_range", {info.value_low, info.value_range}}};
  if (!model.file.wrapper.empty()) text["wrapper"] = model.file.wrapper;
  auto metadata = model.file.metadata;
  if (const auto record = metadata.extract(int8_metadata)) {
    // Thousands of numbers, of which these two matter to people.
    const auto parsed = bounded_json(record.mapped());
    for (const char* figure : {"psnr", "loss"})
      if (parsed && parsed->is_object() && parsed->contains(figure)) text["int8"][figure] = (*parsed)[figure];
  }
  if (!metadata.empty()) text["metadata"] = metadata;
  return text;
}

/// Whether a file says or shows that it holds a network for perceptual losses rather than a generator.
bool holds_features(const ModelFile& file) {
  const auto says = file.metadata.find("ganvas.architecture");
  for (const auto& plugin : feature_plugins()) {
    if (says != file.metadata.end()) {
      if (says->second == plugin.name) return true;
      continue;
    }
    try {
      if (plugin.detect(file.weights)) return true;
    } catch (const Error&) {
      return true;  // damaged: loading it will say how
    }
  }
  return false;
}

nlohmann::ordered_json style_facts(const std::string& name, const ModelFile& file, const StyleNetwork& network) {
  const StyleNetworkInfo info = network.info();
  nlohmann::ordered_json text{{"file", name},
                              {"container", file.container},
                              {"architecture", network.architecture()},
                              {"config", network.config()},
                              {"parameters", parameter_count(network)},
                              {"styles", "any"},
                              {"cell", info.cell},
                              {"features", info.channels},
                              {"reach", info.encode_reach}};
  if (!file.metadata.empty()) text["metadata"] = file.metadata;
  return text;
}

nlohmann::ordered_json noise_facts(const std::string& name, const ModelFile& file, const LoadedNoiseGenerator& model) {
  const NoiseGeneratorInfo info = model.network->info();
  nlohmann::ordered_json text{{"file", name},
                              {"container", file.container},
                              {"architecture", model.network->architecture()},
                              {"config", model.network->config()},
                              {"parameters", parameter_count(*model.network)},
                              {"width", info.width},
                              {"height", info.height},
                              {"channels", info.channels},
                              {"noise", info.noise}};
  if (info.style > 0) text["styles"] = {info.layers, info.style};
  if (!model.class_names.empty()) text["classes"] = model.class_names;
  if (!file.metadata.empty()) text["metadata"] = file.metadata;
  return text;
}

nlohmann::ordered_json feature_facts(const std::string& name, const ModelFile& file) {
  const FeatureNetworkPtr network = feature_network_from(file, name);
  nlohmann::ordered_json text{{"file", name},
                              {"container", file.container},
                              {"architecture", network->architecture()},
                              {"config", network->config()},
                              {"parameters", parameter_count(*network)},
                              {"layers", network->layer_names()},
                              {"lpips_heads", network->heads().size()}};
  if (!file.metadata.empty()) text["metadata"] = file.metadata;
  return text;
}

}  // namespace

nlohmann::ordered_json model_facts(const std::string& name, ModelFile file) {
  if (holds_features(file)) return feature_facts(name, file);
  if (const StyleNetworkPtr network = style_network_from({{name, file}})) return style_facts(name, file, *network);
  if (const auto model = noise_generator_from(file, name)) return noise_facts(name, file, *model);
  return generator_facts(name, generator_from(std::move(file), name));
}

nlohmann::ordered_json model_facts(const std::filesystem::path& path, bool trust) {
  return has_graph(path) ? generator_facts(path.string(), load_generator(path, {trust}))
                         : model_facts(path.string(), read_model_file(path));
}

}  // namespace ganvas::cli
