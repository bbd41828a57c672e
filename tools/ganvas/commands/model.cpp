#include <torch/torch.h>

#include <cstdio>

#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/engine/int8.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/torchscript_network.hpp"
#include "model_table.hpp"

namespace ganvas::cli {

namespace {

std::int64_t parameter_count(const torch::nn::Module& network) {
  std::int64_t count = 0;
  for (const auto& parameter : network.parameters()) count += parameter.numel();
  return count;
}

nlohmann::ordered_json describe(const std::string& name, const LoadedGenerator& model) {
  const GeneratorInfo info = model.network->info();
  nlohmann::ordered_json text{
      {"file", name},
      {"container", model.file.container},
      {"architecture", model.network->architecture()},
      {"layout", model.layout},
      {"config", model.network->config()},
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
    const auto parsed = nlohmann::json::parse(record.mapped(), nullptr, false);
    for (const char* figure : {"psnr", "loss"})
      if (parsed.is_object() && parsed.contains(figure)) text["int8"][figure] = parsed[figure];
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

nlohmann::ordered_json describe_features(const std::string& name, const ModelFile& file) {
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

nlohmann::ordered_json describe(const std::string& name, ModelFile file) {
  if (holds_features(file)) return describe_features(name, file);
  return describe(name, generator_from(std::move(file), name));
}

/// Texts out of strangers' files must not command the terminal.
std::string printable(std::string text) {
  for (char& c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f) c = ' ';
  return text;
}

}  // namespace

int run(const ModelInfoRequest& request) {
  const std::filesystem::path path = find_model(request.model);
  const auto text = is_torchscript(path) ? describe(path.string(), load_torchscript(path))
                                         : describe(path.string(), read_model_file(path));
  if (request.json) {
    fmt::print("{}\n", text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }
  for (const auto& [key, value] : text.items()) {
    if (key == "metadata") {
      for (const auto& [name, entry] : value.items()) {
        std::string shown = printable(entry.get<std::string>());
        for (std::size_t at = 0; (at = shown.find('\n', at)) != std::string::npos; at += 3)
          shown.replace(at, 1, "\n  ");
        fmt::print("{:<16} {}{}\n", name, shown.find('\n') == std::string::npos ? "" : "\n  ", shown);
      }
    } else {
      fmt::print("{:<16} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return 0;
}

int run(const ModelListRequest& request) {
  std::vector<ModelRow> rows;
  for (const auto& name : shipped_models()) {
    const auto text = describe(name, read_model_file(find_model(name)));
    if (request.json) fmt::print("{}\n", text.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    ModelRow& row = rows.emplace_back();
    row.name = name;
    if (text.contains("scale")) row.scale = text["scale"].get<int>();
    row.architecture = text["architecture"].get<std::string>();
    row.parameters = text["parameters"].get<std::int64_t>();
  }
  if (!request.json) print_model_table(rows);
  return 0;
}

}  // namespace ganvas::cli
