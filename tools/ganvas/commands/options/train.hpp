#pragma once

#include <string>
#include <vector>

#include "ganvas/train/options.hpp"

namespace ganvas::cli {

struct TrainRequest {
  std::string recipe;             ///< name or file
  std::vector<std::string> sets;  ///< keys to override, "section.key=value"
  TrainOptions options{.out = "runs/{recipe}"};
  bool dry_run = false;
};

}  // namespace ganvas::cli
