#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/core/registry.hpp"
#include "ganvas/format/model_file.hpp"
#include "ganvas/nn/detected.hpp"
#include "ganvas/nn/generator.hpp"
#include "ganvas/nn/style_statistics.hpp"

namespace ganvas {

/// All that a network keeps of a style picture: named tensors, N x ... each (N pictures).
using StyleCode = std::map<std::string, torch::Tensor>;

/// One change of the features that needs statistics of all of them.
struct StyleStep {
  Observation observes = Observation::moments;
  int observed_reach = 0;  ///< places around one that what is observed there depends on
  int reach = 0;           ///< the same of the result
};

/// What a user of a network that gives pictures the style of others must know about it.
struct StyleNetworkInfo {
  int cell = 4;          ///< pixels a side for which the features have one place
  int channels = 64;     ///< of the features
  int encode_reach = 0;  ///< pixels around a place's own that its features depend on
  int decode_reach = 0;  ///< places around a pixel's own that it depends on
  std::vector<StyleStep> steps{};
  int live_values = 0;                       ///< feature values alive at once per pixel, roughly: what a tile costs
  int smallest() const { return 2 * cell; }  ///< side of a picture, in pixels, below which reflections find nothing
};

/// A network that gives a picture the style of another, as a chain: encode(), then for each step observe and apply(),
/// then decode(). Everything that looks at the picture as a whole is in the statistics of the steps; all else is local,
/// so that pictures may be cut anywhere, and statistics may be those of a part, of other frames or of a region.
///
/// Pictures are N x 3 x H x W, RGB in [0, 1], sides multiples of `cell` and at least `smallest()`; features
/// N x channels x H/cell x W/cell. At its borders each function takes what it is given for the picture's border.
/// Differentiable in everything.
class StyleNetwork : public torch::nn::Module {
 public:
  virtual StyleNetworkInfo info() const = 0;
  /// `weights`, where defined, is 1 x 1 x H/cell x W/cell: how much each place of the (one) picture counts.
  virtual StyleCode encode_style(const torch::Tensor& pictures, const torch::Tensor& weights = {}) = 0;
  virtual torch::Tensor encode(const torch::Tensor& pictures) = 0;
  /// What the statistics of a step are of: the features themselves, or something computed from them.
  virtual torch::Tensor observed(int /*step*/, const torch::Tensor& features) { return features; }
  virtual torch::Tensor apply(int step, const torch::Tensor& features, const StyleStatistics& statistics,
                              const StyleCode& code) = 0;
  /// apply() with these statistics and one style as a network of features alone, N x channels x h x w to the same,
  /// where a step is one: so the engine can run it. Null: it isn't.
  virtual GeneratorPtr plain_step(int /*step*/, const StyleStatistics& /*statistics*/, const StyleCode& /*code*/) {
    return nullptr;
  }
  /// The result may overshoot [0, 1].
  virtual torch::Tensor decode(const torch::Tensor& features) = 0;

  /// The whole chain for pictures of any size; as for training: statistics are each picture's own.
  torch::Tensor forward(const torch::Tensor& pictures, const StyleCode& code);
  /// Name in the registry.
  virtual std::string architecture() const = 0;
  /// Everything that make_style_network() needs to build this network again.
  virtual nlohmann::json config() const = 0;
};

using StyleNetworkPtr = std::shared_ptr<StyleNetwork>;

/// Pictures of any size with what is missing to the network's multiples reflected at the bottom and right.
torch::Tensor padded_for(const StyleNetworkInfo& info, const torch::Tensor& pictures);

/// sum of share * code over all; shares add up to 1.
StyleCode blended(const std::vector<std::pair<StyleCode, double>>& codes);

/// One architecture. Each file of src/nn/style_networks/ defines `StyleNetworkPlugin plugin()` in the namespace
/// ganvas::<file name>_plugin.
struct StyleNetworkPlugin {
  std::string name;
  std::string summary;  ///< one line, with the source
  int order = 100;      ///< detection order, small first
  /// As GeneratorPlugin::detect, of weights under the names of their parts.
  std::function<std::optional<Detected>(const StateDict&)> detect;
  /// Builds the network with initial weights. Throws Error(recipe) on an unknown or impossible value.
  std::function<StyleNetworkPtr(const nlohmann::json& config)> make;
  std::vector<nlohmann::json> examples;  ///< small configurations, for the sweep over the registry in the tests
  /// Which part of this network a published file of its own holds ("decoder."), by its keys; where they can't tell two
  /// parts apart by the file's name. Empty: none. Unset: networks of one file.
  std::function<std::string(const StateDict& weights, const std::string& file_stem)> part_of{};
};

const Registry<StyleNetworkPlugin>& style_network_plugins();
/// Throws Error(recipe) naming the known ones.
StyleNetworkPtr make_style_network(const std::string& architecture, const nlohmann::json& config);

/// The network of these files: one of ours, or the parts as they are published, in any order. Evaluation mode, fp32,
/// CPU. Null where a single file holds no such network nor a part of one. Throws Error(model) for parts that are
/// missing or don't belong together, and for a VGG that isn't the one that a decoder was made for.
StyleNetworkPtr style_network_from(const std::vector<std::pair<std::string, ModelFile>>& named_files);
/// Reads files, and of folders all model files in them.
StyleNetworkPtr load_style_network(const std::vector<std::filesystem::path>& paths);

/// Self-describing file: weights plus metadata (architecture, config, `extra`).
void save_style_network(const std::filesystem::path& path, const StyleNetwork& network,
                        const std::map<std::string, std::string>& extra = {}, bool half = false);

/// A style without its picture, for this network alone: the file knows its weights by a sum over them.
void save_style_code(const std::filesystem::path& path, const StyleNetwork& network, const StyleCode& code);
/// Throws Error(model) for a file that holds no style, or that of another network or other weights.
StyleCode load_style_code(const std::filesystem::path& path, const StyleNetwork& network);

}  // namespace ganvas
