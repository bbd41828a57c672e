#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/nn/options.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

/// What a user of a network that makes pictures from noise must know about it.
struct NoiseGeneratorInfo {
  int noise = 0;     ///< numbers of noise (z) a picture, drawn from N(0, 1)
  int style = 0;     ///< numbers of a style (w of StyleGAN); 0: the network has no mapping
  int layers = 1;    ///< layers that take a style of their own; 1 without a mapping
  int classes = 0;   ///< 0: unconditional
  int channels = 3;  ///< of the picture
  int height = 0, width = 0;
  bool layer_noise = false;                   ///< whether its layers take noise too (LayerNoise)
  double value_low = -1.0, value_high = 1.0;  ///< what stands for black and white; results may overshoot
};

/// A network from noise to pictures, in two steps so that styles can be truncated, mixed and walked through.
class NoiseGenerator : public torch::nn::Module {
 public:
  virtual NoiseGeneratorInfo info() const = 0;
  /// Noise N x noise and classes N x classes (one-hot; undefined where there are none) -> styles N x layers x style.
  /// Without a mapping: the noise with what the classes add to it, N x 1 x any.
  virtual torch::Tensor map(const torch::Tensor& noise, const torch::Tensor& classes) = 0;
  /// Styles as map() gives them -> N x channels x height x width.
  virtual torch::Tensor synthesise(const torch::Tensor& styles, LayerNoise layer_noise) = 0;
  torch::Tensor forward(const torch::Tensor& noise, const torch::Tensor& classes = {},
                        LayerNoise layer_noise = LayerNoise::constant) {
    return synthesise(map(noise, classes), layer_noise);
  }
  /// The mean of all styles, `style` numbers, towards which truncation goes (Karras et al. 2019, section B); undefined
  /// where the file has none.
  virtual torch::Tensor mean_style() const { return {}; }
  /// Weights of the layers that take a style, in the order of the styles' layers, rows x style each: how far each style
  /// moves what it scales (those that make the picture itself left out). Empty for networks without styles.
  virtual std::vector<torch::Tensor> modulations() const { return {}; }
  /// Its planes of constant noise, by their names; empty where there are none.
  std::vector<std::pair<std::string, torch::Tensor>> noise_planes() const;
  /// A training step has mapped noise to these styles, N x style: the mean moves towards theirs (by 0.005, as
  /// published).
  virtual void follow_mean(const torch::Tensor& /*styles*/) {}
  /// Smaller pictures that the network can give too, from the smallest up (progressive growing, Karras et al. 2018);
  /// `fade` in [0, 1] mixes `level` into the enlarged level below. Throws Error(recipe) for networks of one size.
  virtual torch::Tensor at_level(const torch::Tensor& styles, int level, double fade);
  /// Name in the registry.
  virtual std::string architecture() const = 0;
  /// Everything that make_noise_generator() needs to build this network again.
  virtual nlohmann::json config() const = 0;
};

using NoiseGeneratorPtr = std::shared_ptr<NoiseGenerator>;

/// styles + (1 - psi) * (mean - styles): psi 1 leaves them, 0 gives the mean. Layers from `cutoff` on stay (negative:
/// none do).
torch::Tensor truncated(const torch::Tensor& styles, const torch::Tensor& mean, double psi, int cutoff = -1);

/// One architecture. Each file of src/nn/noise_generators/ defines `NoiseGeneratorPlugin plugin()` in the namespace
/// ganvas::<file name>_plugin.
struct NoiseGeneratorPlugin {
  std::string name;
  std::string summary;  ///< one line, with the source
  int order = 100;      ///< detection order, small first
  /// As GeneratorPlugin::detect.
  std::function<std::optional<Detected>(const StateDict&)> detect;
  /// Builds the network with initial weights as published. Throws Error(recipe) on an unknown or impossible value.
  std::function<NoiseGeneratorPtr(const nlohmann::json& config)> make;
  std::vector<nlohmann::json> examples;  ///< small configurations, for the sweep over the registry in the tests
};

const Registry<NoiseGeneratorPlugin>& noise_generator_plugins();
/// Throws Error(recipe) naming the known ones.
NoiseGeneratorPtr make_noise_generator(const std::string& architecture, const nlohmann::json& config);

/// The network of a file's weights, recognised by keys and shapes alone: evaluation mode, fp32, CPU. Null when no known
/// one has such keys. Throws Error(model) when the weights don't fit.
NoiseGeneratorPtr noise_generator_from(const StateDict& weights, const std::string& name);

/// Self-describing file: weights plus metadata (architecture, config, names of the classes, `extra`).
void save_noise_generator(const std::filesystem::path& path, const NoiseGenerator& network,
                          const std::vector<std::string>& class_names,
                          const std::map<std::string, std::string>& extra = {});

struct LoadedNoiseGenerator {
  NoiseGeneratorPtr network;             ///< evaluation mode, fp32, CPU
  std::vector<std::string> class_names;  ///< as many as the network has classes; their numbers where the file has none
};
/// As the file says, or as its weights show. None for other networks; throws Error(model) where weights don't fit.
std::optional<LoadedNoiseGenerator> noise_generator_from(const ModelFile& file, const std::string& name);
/// Reads such a file, or a published one. Throws Error(model) for other networks, with the known ones, and where
/// weights don't fit.
LoadedNoiseGenerator load_noise_generator(const std::filesystem::path& path);

}  // namespace ganvas
