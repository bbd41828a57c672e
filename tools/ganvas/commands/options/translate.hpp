#pragma once

#include <cstdint>

#include "commands/options/batch.hpp"

namespace ganvas::cli {

struct TranslateRequest {
  BatchRequest batch;
  std::string model;  ///< file
  std::string direction = "AtoB";
  std::string mode = "eval", precision = "auto", device = "auto", engine = "auto";
  std::uint64_t seed = 0;
  int tile = 0, threads = 0;  ///< as in TranslateOptions
};

}  // namespace ganvas::cli
