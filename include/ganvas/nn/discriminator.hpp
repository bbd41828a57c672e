#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/nn/registry.hpp"

namespace ganvas {

/// Judges pictures. forward: N x C x H x W (values as the task gives them) -> logits with N first and any further
/// shape: one a picture, or one a patch; large means real. No sigmoid inside.
class Discriminator : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& pictures) = 0;
  /// Classes that it knows; 0: unconditional.
  virtual int classes() const { return 0; }
  /// Logits given each picture's class, N x classes one-hot, by projection (Miyato and Koyama 2018). Networks without
  /// classes ignore them.
  virtual torch::Tensor given(const torch::Tensor& pictures, const torch::Tensor& /*classes*/) {
    return forward(pictures);
  }
  /// What forward() of a conditional one takes for the class: the mean of all; undefined of others.
  torch::Tensor mean_class(const torch::Tensor& pictures) const;
  /// The size that make() is given where nobody knows the pictures, as at a published file.
  static constexpr int any_size = 4096;
  /// For pictures of a lower level of progressive growing: 0 is the smallest; `fade` as NoiseGenerator::at_level().
  /// Throws Error(recipe) for networks of one size.
  /// With `classes` as given().
  virtual torch::Tensor at_level(const torch::Tensor& pictures, int level, double fade,
                                 const torch::Tensor& classes = {});
  /// What its layers make of pictures, one after the other, for feature matching (Wang et al. 2018, pix2pixHD, eq. 4).
  /// Throws Error(recipe) where that isn't offered.
  virtual std::vector<torch::Tensor> features(const torch::Tensor& pictures);
  /// Name in the registry.
  virtual std::string architecture() const = 0;
  /// Everything that make_discriminator() needs to build this network again.
  virtual nlohmann::json config() const = 0;
};

using DiscriminatorPtr = std::shared_ptr<Discriminator>;

/// One architecture. Each file of src/nn/discriminators/ defines `DiscriminatorPlugin plugin()` in the namespace
/// ganvas::<file name>_plugin.
/// All of them know the options
///   channels          of the pictures (default 3)
///   width             features of the first layer
///   spectral          spectral norm on every layer (Miyato et al. 2018)
///   minibatch_stddev  group size of the minibatch standard deviation before the last layers, 0: none (Karras et al.
///                     2018, section 3)
/// and refuse unknown ones.
struct DiscriminatorPlugin {
  std::string name;
  std::string summary;  ///< one line, with the source
  /// Builds the network for pictures of `size` x `size`. Throws Error(recipe) on an unknown or impossible value.
  std::function<DiscriminatorPtr(const nlohmann::json& config, int size)> make;
  /// As GeneratorPlugin::detect; empty: never recognised.
  std::function<std::optional<Detected>(const StateDict&)> detect{};
  int example_size = 32;                 ///< a size that the examples take
  std::vector<nlohmann::json> examples;  ///< small configurations, for the sweep over the registry in the tests
};

const Registry<DiscriminatorPlugin>& discriminator_plugins();
/// Throws Error(recipe) naming the known ones.
DiscriminatorPtr make_discriminator(const std::string& architecture, const nlohmann::json& config, int size);

/// The discriminator of a published file, recognised by its keys: evaluation mode, fp32, CPU. Null when no known one
/// has such keys. Throws Error(model) when the weights don't fit.
DiscriminatorPtr discriminator_from(const StateDict& weights, const std::string& name);

}  // namespace ganvas
