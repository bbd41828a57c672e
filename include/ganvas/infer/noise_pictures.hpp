#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ganvas/imaging/image.hpp"
#include "ganvas/infer/noise_latents.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/nn/noise_generator.hpp"

namespace ganvas {

/// What a picture from noise follows from, and nothing else: the same on any day, in any company.
struct NoisePicture {
  std::int64_t seed = 0;    ///< of its noise; of latents from a file, which of them, from 0
  int class_index = 0;      ///< for networks with classes
  double truncation = 1.0;  ///< psi: 1 as learnt, nearer to 0 plainer and better made
};

/// A picture by the styles that it is made of.
struct StyledPicture {
  std::function<torch::Tensor()> styles{};  ///< 1 x layers x style; none: no picture
  std::int64_t layer_seed = 0;              ///< of LayerNoise::random
};

/// A network that makes pictures from noise, ready to do so on the CPU or a GPU. On the CPU a picture is made by one
/// thread alone, and several at once by several threads: its bytes depend neither on how many there are nor on what
/// else is made.
class NoisePictures {
 public:
  /// Takes of the options where to run (device), layer_noise, numpy_seeds and latents, the file that then stands for
  /// all seeds. Uses as many threads as use_cpu_threads() allowed before.
  NoisePictures(LoadedNoiseGenerator loaded, const GenerateOptions& options);

  NoiseGeneratorInfo info() const { return network_->info(); }
  NoiseGenerator& network() { return *network_; }
  torch::Device device() const { return device_; }
  const std::vector<std::string>& class_names() const { return class_names_; }
  /// The class of this name. Throws Error(usage) that lists them, or says that the network has none.
  int class_of(const std::string& name) const;
  /// How many latents a file gave; 0 without one. Those of styles have their class in them.
  std::int64_t latents() const { return latents_ ? latents_->count() : 0; }
  bool latents_are_styles() const { return latents_ && latents_->styles.defined(); }

  /// Styles of one picture, 1 x layers x style. Throws Error(usage) for a truncation below 1 where the network has no
  /// mean style to go towards.
  torch::Tensor styles_of(const NoisePicture& picture);
  /// Styles on a walk through `stops`, at `place` from 0 (walk.hpp). Throws Error(usage) for a way on the sphere
  /// between styles.
  torch::Tensor styles_between(const std::vector<NoisePicture>& stops, double place, WalkPath path, bool loop);
  /// Styles of `a` with those of `b` in `layers`. Throws Error(usage) for layers that the network doesn't have.
  torch::Tensor styles_mixed(const NoisePicture& a, const NoisePicture& b, const std::vector<int>& layers);
  /// The directions in which the styles of `layers` (all, where empty) change the features most, count x style, unit
  /// vectors with the strongest first: closed-form factorisation, SeFa (Shen and Zhou 2021, eq. 6).
  torch::Tensor directions(int count, const std::vector<int>& layers);
  /// `styles` with `shift`, one style, added in `layers` (all, where empty).
  torch::Tensor styles_moved(const torch::Tensor& styles, const torch::Tensor& shift, const std::vector<int>& layers);

  /// 8 bit. `layer_seed` is that of LayerNoise::random.
  Image picture_of(const torch::Tensor& styles, std::int64_t layer_seed);
  Image make(const NoisePicture& picture) { return picture_of(styles_of(picture), picture.seed); }
  /// On all threads.
  std::vector<Image> make_all(const std::vector<StyledPicture>& wanted);
  /// How many pictures are made at once: 1 on a GPU, and with LayerNoise::random, whose stream is one.
  int at_once() const { return at_once_; }

 private:
  torch::Tensor noise_of(std::int64_t seed) const;
  torch::Tensor class_vector(const NoisePicture& picture) const;
  torch::Tensor mapped(const torch::Tensor& noise, const torch::Tensor& classes, double truncation);
  torch::Tensor pulled(const torch::Tensor& styles, double truncation);
  std::vector<std::int64_t> layers_or_all(const std::vector<int>& layers) const;
  void need_styles(const char* what) const;

  NoiseGeneratorPtr network_;
  std::vector<std::string> class_names_;
  torch::Device device_;
  LayerNoise layer_noise_;
  bool numpy_seeds_;
  int at_once_;
  std::optional<NoiseLatents> latents_;
};

}  // namespace ganvas
