#pragma once

#include <cstddef>
#include <vector>

#include "commands/options/lpips.hpp"

namespace ganvas::cli {

struct CompareRequest {
  std::vector<std::string> results;
  std::string hr, out;
  int border = 4;
  std::size_t limit = 20;
  LpipsRequest lpips;
};

}  // namespace ganvas::cli
