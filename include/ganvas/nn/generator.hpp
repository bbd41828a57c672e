#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ganvas {

/// What a picture's palette consists of (ganvas/imaging/palette.hpp): inputs of one value each.
inline constexpr int palette_channels = 6;

/// What a user of a network must know about it; declared by the network, probed by a test over the registry.
struct GeneratorInfo {
  int scale = 1;  ///< output side / input side
  int in_channels = 3;
  int out_channels = 3;
  int multiple = 1;          ///< the network works inside on multiples of this; forward() pads and crops by itself
  int halo = 0;              ///< receptive field beyond a pixel, in input pixels; 0 with `global` set: unbounded
  bool global = false;       ///< has statistics over the whole input (channel attention): tiles are approximate
  int live_values = 0;       ///< feature values alive at once per input pixel, roughly: what a tile costs; 0: unknown
  double value_range = 1.0;  ///< forward() takes and gives values in [value_low, value_range]
  double value_low = 0.0;    ///< -1 for networks that end in a tanh
  int palettes = 0;          ///< more than 0: the last palette_channels inputs say the colours that the result gets
  bool fp32_only = false;    ///< as LibTorch runs it: its code may hold numbers of that type
};

/// Channels of the picture that a network takes, without a palette's planes.
int picture_channels(const GeneratorInfo& info);

/// Values in [0, 1] -> what the network takes, and back.
torch::Tensor to_range(const torch::Tensor& unit, const GeneratorInfo& info);
torch::Tensor from_range(const torch::Tensor& values, const GeneratorInfo& info);

/// A picture-to-picture network. forward: N x in_channels x H x W -> N x out_channels x scale*H x scale*W, any H and W
/// of at least 1, values in [value_low, value_range] (the output may overshoot).
class Generator : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& input) = 0;
  /// Results of some of the encoder's layers, by their index in the published layout, for losses that compare input and
  /// output patch by patch (CUT). Throws Error(recipe) for networks and layers that have none.
  virtual std::vector<torch::Tensor> features(const torch::Tensor& input, const std::vector<int>& layers);
  virtual GeneratorInfo info() const = 0;
  /// Name in the registry.
  virtual std::string architecture() const = 0;
  /// Everything that make_generator() needs to build this network again.
  virtual nlohmann::json config() const = 0;
  /// A second network with the same weights, for those that no config describes; otherwise null (see replicate()).
  virtual std::shared_ptr<Generator> duplicate() const { return nullptr; }
  /// Called once after weights were loaded or changed outside an optimiser: a chance to prepare faster paths.
  virtual void weights_changed() {}
  /// Palettes that the training pictures had, palettes x palette_channels, part of the weights; undefined for networks
  /// that take none.
  virtual torch::Tensor palettes() const { return {}; }
  /// Starts the convolutions before pixel shuffles as nearest-neighbour enlargements (ICNR, see init.hpp), against
  /// checkerboards; networks without any ignore it.
  virtual void soften_pixel_shuffles() {}
};

using GeneratorPtr = std::shared_ptr<Generator>;

}  // namespace ganvas
