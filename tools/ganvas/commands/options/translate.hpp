#pragma once

#include <string>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

struct TranslateRequest {
  BatchOptions batch;
  std::string model;  ///< file
  TranslateOptions options;
};

}  // namespace ganvas::cli
