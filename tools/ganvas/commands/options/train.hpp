#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ganvas::cli {

struct TrainRequest {
  std::string recipe;
  std::vector<std::string> data, sets;
  std::string lr, direction, validation, out = "runs/{recipe}", device = "auto";
  std::int64_t stop_at = 0;
  int threads = 0;
  bool resume = false, dry_run = false;
};

}  // namespace ganvas::cli
