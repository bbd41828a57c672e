#pragma once

#include <string>
#include <vector>

#include "commands/options/lpips.hpp"
#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

struct EvalRequest {
  std::string hr, sr, model, lr;
  UpscaleOptions upscale{.run = {.precision = "fp32"}};  ///< of the model
  int scale = 0, border = -1;
  bool bicubic = false, json = false;
  int lattice = 0;  ///< period of a lattice in pixels (lattice_index); 0: isn't measured
  LpipsRequest lpips;
  std::vector<std::string> styles;  ///< pictures, or folders of them: how near `model` comes to these styles
  double strength = 1;              ///< of the style
  bool fid = false;                 ///< folders as wholes instead of picture by picture
  std::string feature_network;      ///< file or name; empty: the shipped one
  bool trust = false;               ///< TorchScript programs may do anything
};

}  // namespace ganvas::cli
