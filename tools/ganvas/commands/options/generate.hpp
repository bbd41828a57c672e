#pragma once

#include <string>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

struct GenerateRequest {
  std::string model;  ///< file
  GenerateOptions options;
  ProjectOptions project;  ///< no pictures: nothing to project
};

}  // namespace ganvas::cli
