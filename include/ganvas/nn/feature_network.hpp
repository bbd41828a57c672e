#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ganvas/nn/registry.hpp"

namespace ganvas {

/// One layer of a feature network, in the order of computation.
struct FeatureLayer {
  std::string name;
  int channels = 0;
  /// Gives the layer's output; where `overwrite` is set it may be computed in x's memory.
  std::function<torch::Tensor(const torch::Tensor& x, bool overwrite)> apply;
  int smallest = 1;  ///< side that its input must have
};

/// A frozen network whose inner activations describe what a picture shows: the space of perceptual losses (Johnson et
/// al. 2016) and of LPIPS (Zhang et al. 2018). Runs in fp32, or in bf16 within an AutocastScope, where only the first
/// convolution stays fp32 (a picture in bf16 has steps of a whole level). Gradients flow to the pictures.
class FeatureNetwork : public torch::nn::Module {
 public:
  /// Activations of `layers` (names or aliases), in the order asked for; nothing behind the last one is computed.
  /// images: N x 3 x H x W, RGB in [0,1]; the network's own normalisation is applied inside. Results are N x C x h x w
  /// in the precision of the computation. Throws Error(recipe) for a layer that the network doesn't have and
  /// Error(data) for pictures too small for it.
  std::vector<torch::Tensor> features(const torch::Tensor& images, const std::vector<std::string>& layers);

  /// The output of layer `to`, given that of the earlier layer `from`.
  torch::Tensor continued(const torch::Tensor& from_output, const std::string& from, const std::string& to);

  /// All layers in order.
  std::vector<std::string> layer_names() const;
  /// The layer behind a name or alias, as an index. Throws Error(recipe) that names the nearest or all layers.
  std::size_t layer_index(const std::string& name) const;
  int channels(const std::string& name) const { return steps_[layer_index(name)].channels; }

  /// The layers that LPIPS compares; empty where none are published or the file is cut off before the last.
  virtual std::vector<std::string> lpips_layers() const { return {}; }
  /// Layers between which the network may be taught piece by piece; empty: only as a whole.
  virtual std::vector<std::string> stages() const { return {}; }
  /// Side of the square to which whole pictures are resized where one vector shall describe each (ganvas/distribution).
  virtual int picture_side() const { return 256; }
  /// The layers whose means over the picture make that vector.
  virtual std::vector<std::string> pooled_layers() const { return {steps_.back().name}; }
  /// LPIPS heads that came in the network's own file (keys "lin0.model.1.weight" ...); mostly empty.
  const StateDict& heads() const { return heads_; }
  void set_heads(StateDict heads) { heads_ = std::move(heads); }

  /// Name in the registry.
  virtual std::string architecture() const = 0;
  /// Everything that make_feature_network() needs to build this network again.
  virtual nlohmann::json config() const = 0;

 protected:
  /// RGB in [0,1] -> what the first layer takes.
  virtual torch::Tensor normalised(const torch::Tensor& images) const = 0;
  void add_layer(FeatureLayer layer) { steps_.push_back(std::move(layer)); }
  void add_alias(const std::string& alias, const std::string& layer) { aliases_[alias] = layer; }

 private:
  torch::Tensor apply(std::size_t step, const torch::Tensor& x, bool overwrite) const;
  std::vector<FeatureLayer> steps_;
  std::map<std::string, std::string> aliases_;
  StateDict heads_;
};

using FeatureNetworkPtr = std::shared_ptr<FeatureNetwork>;

/// One feature network. Each file of src/nn/features/ defines `FeaturePlugin plugin()` in the namespace
/// ganvas::<file name>_plugin.
struct FeaturePlugin {
  std::string name;
  std::string summary;
  int order = 100;  ///< detection order, small first
  /// As GeneratorPlugin::detect.
  std::function<std::optional<Detected>(const StateDict&)> detect;
  /// Builds the network with initial weights. Throws Error(recipe) on an unknown or impossible config value.
  std::function<FeatureNetworkPtr(const nlohmann::json& config)> make;
  /// Small configurations, for the sweep over the registry in the tests.
  std::vector<nlohmann::json> examples;
};

const Registry<FeaturePlugin>& feature_plugins();
/// Throws Error(recipe) for an unknown architecture.
FeatureNetworkPtr make_feature_network(const std::string& architecture, const nlohmann::json& config);

/// Reads a model file, recognises the network (from our own metadata, else from keys and shapes; a classifier is passed
/// over) and loads it strictly: frozen, evaluation mode, channels_last, fp32, CPU. `overrides` replaces config values:
///   input    "imagenet" (mean and deviation of torchvision's training pictures) or "plain" ([0,1] as it is)
///   padding  "zero" or "reflect" (VGG only)
/// Throws Error(file) for a missing file, with the command that fetches it, and Error(model) for another network.
FeatureNetworkPtr load_feature_network(const std::filesystem::path& path,
                                       const nlohmann::json& overrides = nlohmann::json::object());
FeatureNetworkPtr feature_network_from(ModelFile file, const std::string& name,
                                       const nlohmann::json& overrides = nlohmann::json::object());

/// LPIPS heads as published ("lin0.model.1.weight" ...). Throws Error(file) for a missing file, with the command that
/// fetches it.
StateDict load_lpips_heads(const std::filesystem::path& path);

/// Self-describing file: weights, heads and metadata. `half` stores fp16.
void save_feature_network(const std::filesystem::path& path, const FeatureNetwork& network,
                          const std::map<std::string, std::string>& extra = {}, bool half = false);

/// The name of a published file in `ganvas model fetch`: its stem without torchvision's hash
/// ("vgg19-dcbb9e9d.pth" -> "vgg19").
std::string fetch_name(const std::filesystem::path& path);

}  // namespace ganvas
