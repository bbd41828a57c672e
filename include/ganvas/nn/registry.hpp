#pragma once

#include <nlohmann/json.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/core/registry.hpp"
#include "ganvas/format/model_file.hpp"
#include "ganvas/nn/detected.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/nn/weights.hpp"

namespace ganvas {

/// One architecture. Each file of src/nn/generators/ defines `GeneratorPlugin plugin()` in the namespace
/// ganvas::<file name>_plugin; the build collects them into the registry.
struct GeneratorPlugin {
  std::string name;
  std::string summary;  ///< one line for `model list`, with the source
  int order = 100;      ///< detection order, small first: specific layouts before general ones
  /// Config and renamed weights if these are this architecture's; nullopt otherwise. Throws Error(model) when the
  /// keys are this architecture's but can't be rebuilt (missing layers, impossible shapes).
  std::function<std::optional<Detected>(const StateDict&)> detect;
  /// Builds the network with initial weights. Throws Error(recipe) on an unknown or impossible config value.
  std::function<GeneratorPtr(const nlohmann::json& config)> make;
  /// Small configurations, for the sweep over the registry in the tests.
  std::vector<nlohmann::json> examples;
};

const Registry<GeneratorPlugin>& generator_plugins();
/// Throws Error(recipe) naming the known ones.
const GeneratorPlugin& generator_plugin(const std::string& name);
GeneratorPtr make_generator(const std::string& architecture, const nlohmann::json& config);

/// A network with its weights, and where they came from.
struct LoadedGenerator {
  GeneratorPtr network;  ///< evaluation mode, fp32, CPU
  std::string layout;
  ModelFile file;  ///< `weights` is emptied: they live in the network now
};

/// Reads a model file, recognises the architecture (from our own metadata, else from keys and shapes) and loads it
/// strictly; a TorchScript archive is taken as it is (torchscript_network.hpp). Throws Error(model): unknown network
/// (first keys and shapes, known architectures), missing, unexpected or misshapen weights.
LoadedGenerator load_generator(const std::filesystem::path& path);
LoadedGenerator generator_from(ModelFile file, const std::string& name);

/// A second network of the same architecture, config, weights and mode.
GeneratorPtr replicate(const Generator& network);

/// Self-describing file: weights plus metadata (architecture, config, scale, `extra`).
/// `half` stores floating-point weights as fp16.
void save_generator(const std::filesystem::path& path, const Generator& network,
                    const std::map<std::string, std::string>& extra = {}, bool half = false);

}  // namespace ganvas
