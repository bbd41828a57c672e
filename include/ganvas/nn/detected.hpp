#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// A network recognised in a state dict.
struct Detected {
  nlohmann::json config;  ///< for the plug-in's `make`
  StateDict weights;      ///< under the keys of the network's own module
  std::string layout;     ///< which of several published key layouts, for `model info`
};

}  // namespace ganvas
