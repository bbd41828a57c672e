#pragma once

#include "commands/options/lpips.hpp"

namespace ganvas::cli {

struct EvalRequest {
  std::string hr, sr, model, lr;
  std::string precision = "fp32", device = "auto";
  int scale = 0, border = -1;
  bool bicubic = false, json = false, tta = false;
  LpipsRequest lpips;
  bool fid = false;             ///< folders as wholes instead of picture by picture
  std::string feature_network;  ///< file or name; empty: the shipped one
};

}  // namespace ganvas::cli
