#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ganvas::cli {

struct DataCheckRequest {
  std::vector<std::string> places;
  std::string lr;
  int scale = 4, crop = 32;
};

struct DataDegradeRequest {
  std::vector<std::string> places, sets;
  std::string out, recipe;
  int scale = 0;           ///< 0: the recipe's
  std::uint64_t seed = 1;  ///< validation_seed
  std::size_t limit = SIZE_MAX;
  bool compare = false, force = false;
};

}  // namespace ganvas::cli
