#pragma once

#include <functional>
#include <vector>

#include "ganvas/nn/registry.hpp"
#include "nn/blocks.hpp"

/// What EDSR (Lim et al. 2017) and RCAN (Zhang et al. 2018) share: colours less their mean, a first convolution, a
/// body whose result is added to its input, a pixel-shuffle upsampler, a last convolution, the mean again.
namespace ganvas {

class EdsrFrame : public Generator {
 public:
  torch::Tensor forward(const torch::Tensor& input) final;
  GeneratorInfo info() const override;
  nlohmann::json config() const override;
  void soften_pixel_shuffles() override;

 protected:
  /// Options that every network of the frame has: in_channels (also those of the output), channels, scale, res_scale,
  /// value_range (of the picture outside), img_range (of the picture that the weights know), mean (a colour in [0, 1]),
  /// unshuffle (of the input: the upsampler then enlarges by scale * unshuffle).
  /// `body_halo`: reach of the body alone.
  EdsrFrame(const nlohmann::json& config, torch::nn::Sequential body, int body_halo);

 private:
  int channels_of_picture_, channels_, scale_, unshuffle_, body_halo_;
  double res_scale_, value_range_, img_range_;
  std::vector<double> mean_;
  torch::nn::Conv2d first_{nullptr}, after_body_{nullptr}, last_{nullptr};
  torch::nn::Sequential body_, upsample_;
};

/// A network of this frame in a state dict.
struct EdsrKeys {
  StateDict own;          ///< under BasicSR's names, which are ours; without the mean shifts
  nlohmann::json config;  ///< the options above, res_scale excepted
  bool official = false;
};

/// Reads either layout: BasicSR's, or the authors' (head, body, tail). Of the latter, files with sub_mean and add_mean
/// take pictures of 0 .. 255; without them (traiNNer-redux) of 0 .. 1 and no mean. `body_name` turns the authors' name
/// of a layer inside the body into ours, given as parts. The caller has looked at some keys of the body; nullopt when
/// those around it aren't this frame's.
std::optional<EdsrKeys> read_edsr_frame(
    const StateDict& weights, const std::function<std::string(const std::vector<std::string>& parts)>& body_name);

}  // namespace ganvas
