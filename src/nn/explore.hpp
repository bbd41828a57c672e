#pragma once

#include <functional>
#include <map>
#include <string>

#include "ganvas/nn/generator.hpp"

namespace ganvas {

/// A network of which nothing is known but that it makes a picture of one.
struct Unexplored {
  std::string name;  ///< of the file
  std::string what;  ///< "the TorchScript program"
  /// Without any padding. Throws Error(model) for sizes and channels that it doesn't take; other errors end the trials.
  std::function<torch::Tensor(const torch::Tensor&)> run;
  /// Of channels in the order in which they are tried; the last two with a palette.
  std::vector<int> channels{3, 1, 4, 3 + palette_channels, 1 + palette_channels};
};

/// What trials with small pictures tell. The network makes `scale` * side - 2 * (`scale` * `margin` - `cut`) of a side
/// that is a multiple of `info.multiple`: pictures want `margin` pixels around them, and `cut` are taken off all sides
/// of what comes out.
struct Explored {
  GeneratorInfo info;
  int margin = 0, cut = 0;
};

/// Tries channels, scale, multiples, margins and how far a pixel is seen. Throws Error(model) that says what fits
/// nowhere.
Explored explored(const Unexplored& network);

/// What our own exports say of themselves besides ("ganvas.halo" and its kin).
void apply_described(const std::map<std::string, std::string>& metadata, GeneratorInfo& info);

}  // namespace ganvas
