#pragma once

#include <string>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

struct TranslateRequest {
  BatchOptions batch;
  std::string model;   ///< file
  bool trust = false;  ///< TorchScript programs may do anything
  TranslateOptions options;
};

}  // namespace ganvas::cli
