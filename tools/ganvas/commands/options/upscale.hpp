#pragma once

#include "commands/options/batch.hpp"

namespace ganvas::cli {

struct UpscaleRequest {
  BatchRequest batch;
  std::string model;  ///< name or file; empty: the shipped one that fits the scale
  std::string alpha = "model", color_fix = "none", precision = "auto", device = "auto", engine = "auto";
  double scale = 0;                         ///< 0: not given
  int width = 0, height = 0, max_side = 0;  ///< 0: not given
  int tile = 0, overlap = -1, threads = 0;  ///< as in UpscaleOptions
  bool tta = false;
};

}  // namespace ganvas::cli
