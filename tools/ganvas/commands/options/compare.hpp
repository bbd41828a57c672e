#pragma once

#include <string>

#include "commands/options/lpips.hpp"
#include "ganvas/report/options.hpp"

namespace ganvas::cli {

struct CompareRequest {
  CompareOptions options;  ///< without further columns
  std::string out;
  LpipsRequest lpips;
};

}  // namespace ganvas::cli
