#pragma once

#include "requests/lpips.hpp"

namespace ganvas::cli {

struct EvalRequest {
  std::string hr, sr, model, lr;
  std::string precision = "fp32", device = "auto";
  int scale = 0, border = -1;
  bool bicubic = false, json = false, tta = false;
  LpipsRequest lpips;
};

}  // namespace ganvas::cli
