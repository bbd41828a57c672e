#pragma once

#include <string>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

struct GenerateRequest {
  std::string model;  ///< file
  GenerateOptions options;
  std::string layer_noise = "const";  ///< const, random or none
};

}  // namespace ganvas::cli
