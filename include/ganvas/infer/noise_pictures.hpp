#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ganvas/imaging/image.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/nn/noise_generator.hpp"

namespace ganvas {

/// What a picture from noise follows from, and nothing else: the same on any day, in any company.
struct NoisePicture {
  std::int64_t seed = 0;    ///< of its noise
  int class_index = 0;      ///< for networks with classes
  double truncation = 1.0;  ///< psi: 1 as learnt, nearer to 0 plainer and better made
};

/// A network that makes pictures from noise, ready to do so on the CPU or a GPU.
class NoisePictures {
 public:
  /// Takes of the options where to run (device), layer_noise and numpy_seeds.
  NoisePictures(LoadedNoiseGenerator loaded, const GenerateOptions& options);

  NoiseGeneratorInfo info() const { return network_->info(); }
  const std::vector<std::string>& class_names() const { return class_names_; }
  /// The class of this name. Throws Error(usage) that lists them, or says that the network has none.
  int class_of(const std::string& name) const;

  /// Styles of one picture, 1 x layers x style. Throws Error(usage) for a truncation below 1 where the network has no
  /// mean style to go towards.
  torch::Tensor styles_of(const NoisePicture& picture);
  /// One step of a walk from `a` (share 0) to `b` (share 1): straight between styles; on the sphere between the noise
  /// (slerp, Shoemake 1985) where the network has no styles.
  torch::Tensor styles_between(const NoisePicture& a, const NoisePicture& b, double share);
  /// 8 bit. `layer_seed` is that of LayerNoise::random.
  Image picture_of(const torch::Tensor& styles, std::int64_t layer_seed);
  Image make(const NoisePicture& picture) { return picture_of(styles_of(picture), picture.seed); }

 private:
  torch::Tensor noise_of(std::int64_t seed) const;
  torch::Tensor mapped(const torch::Tensor& noise, const NoisePicture& picture);

  NoiseGeneratorPtr network_;
  std::vector<std::string> class_names_;
  torch::Device device_;
  LayerNoise layer_noise_;
  bool numpy_seeds_;
};

}  // namespace ganvas
