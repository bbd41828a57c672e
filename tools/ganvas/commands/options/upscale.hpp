#pragma once

#include <string>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

struct UpscaleRequest {
  BatchOptions batch;
  std::string model = "auto";    ///< name or file; auto: the shipped one that fits the scale and the picture
  std::string degraded_model{};  ///< file; for pictures in bad condition, where auto chose; else empty
  bool trust = false;            ///< TorchScript programs may do anything
  TargetSize target;
  UpscaleOptions options;
};

}  // namespace ganvas::cli
