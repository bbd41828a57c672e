#pragma once

#include <string>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

struct UpscaleRequest {
  BatchOptions batch;
  std::string model;   ///< name or file; empty: the shipped one that fits the scale
  bool trust = false;  ///< TorchScript programs may do anything
  TargetSize target;
  UpscaleOptions options;
};

}  // namespace ganvas::cli
