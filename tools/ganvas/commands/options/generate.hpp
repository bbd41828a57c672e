#pragma once

#include <string>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

struct GenerateRequest {
  std::string model;  ///< file
  GenerateOptions options;
};

}  // namespace ganvas::cli
