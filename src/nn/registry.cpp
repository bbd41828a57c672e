#include "ganvas/nn/registry.hpp"

#include "ganvas/core/error.hpp"
#include "ganvas/format/torchscript.hpp"
#include "ganvas/nn/graph_files.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/style_network.hpp"
#include "ganvas/nn/torchscript_network.hpp"
#include "nn/blocks.hpp"
#include "nn/described.hpp"
#include "nn/keys.hpp"
#include "nn/nearest.hpp"
#include "nn/plugins.hpp"
#include "nn/shape_text.hpp"

namespace ganvas {

const Registry<GeneratorPlugin>& generator_plugins() {
  static const Registry<GeneratorPlugin> plugins("architecture", all_generator_plugins());
  return plugins;
}

namespace {

[[noreturn]] void unknown_network(const StateDict& weights, const std::string& name) {
  std::string first;
  int shown = 0;
  for (const auto& [key, tensor] : weights) {
    if (shown++ == 5) break;
    first += fmt::format("{}{} {}", first.empty() ? "" : ", ", key, shape_text(tensor));
  }
  const std::string nearest = nearest_architecture(weights);
  fail(ErrorKind::model, "{}: unknown network: {} tensors, the first are {}; {}known architectures: {}", name,
       weights.size(), first, nearest.empty() ? "" : fmt::format("most like {}; ", nearest),
       fmt::join(generator_plugins().names(), ", "));
}

/// Networks of ours that take more or less than one picture.
void refuse_other_kinds(const std::string& architecture, const std::string& name) {
  if (generator_plugins().find(architecture)) return;
  if (style_network_plugins().find(architecture))
    fail(ErrorKind::model, "{}: {} is a style network, which takes a style beside the picture (for stylize)", name,
         architecture);
  if (noise_generator_plugins().find(architecture))
    fail(ErrorKind::model, "{}: {} makes pictures from noise and takes none (for generate)", name, architecture);
}

/// What a file says of itself, or else what its keys and shapes tell.
Described recognised_generator(const ModelFile& file, const std::string& name) {
  if (auto said = described(file)) {
    refuse_other_kinds(said->architecture, name);
    return *said;
  }
  if (auto found = generator_plugins().recognise(file.weights, name))
    return {found->first->name, std::move(found->second)};
  unknown_network(file.weights, name);
}

}  // namespace

const GeneratorPlugin& generator_plugin(const std::string& name) { return generator_plugins().at(name); }

GeneratorPtr make_generator(const std::string& architecture, const nlohmann::json& config) {
  return generator_plugin(architecture).make(config);
}

LoadedGenerator generator_from(ModelFile file, const std::string& name) {
  LoadedGenerator loaded;
  const NameInFile own_name(file.text("nunif.name"));
  const Described said = recognised_generator(file, name);
  loaded.network = build_described(said, file.weights.element_count(), name, make_generator);
  load_state_dict(*loaded.network, said.network.weights, name);
  loaded.network->weights_changed();
  freeze(*loaded.network);
  loaded.layout = said.network.layout;
  file.weights = {};
  loaded.file = std::move(file);
  return loaded;
}

LoadedGenerator load_generator(const std::filesystem::path& path) { return load_generator(path, LoadOptions{}); }

LoadedGenerator load_generator(const std::filesystem::path& path, const LoadOptions& options) {
  if (is_torchscript(path)) return load_torchscript(path, options);
  if (is_ncnn(path)) return load_ncnn(path);
  if (is_onnx(path)) return load_onnx(path);
  return generator_from(read_model_file(path), path.string());
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
  ModelFile file = described_file(network, extra, half);
  const GeneratorInfo info = network.info();
  file.metadata["ganvas.scale"] = fmt::format("{}", info.scale);
  file.metadata["ganvas.value_range"] = fmt::format("{}", info.value_range);
  if (info.value_low != 0) file.metadata["ganvas.value_low"] = fmt::format("{}", info.value_low);
  write_model_file(path, file);
}

}  // namespace ganvas
