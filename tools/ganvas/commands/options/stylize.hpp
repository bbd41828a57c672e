#pragma once

#include <string>
#include <vector>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

/// A style as the command line names it.
struct StyleChoice {
  std::string path;  ///< a picture, a saved style, or a folder of such
  double weight = 1;
};

struct StylizeRequest {
  BatchOptions batch;               ///< without inputs and output where a style is only saved
  std::vector<std::string> models;  ///< one file, or the parts of one network, or a folder of them
  bool trust = false;               ///< TorchScript programs may do anything
  std::vector<StyleChoice> styles;
  std::vector<std::string> masks;
  int optimise = 0;             ///< steps a size of the search without a style network; 0: by the network
  std::string feature_network;  ///< of that search: file or name
  std::string save_style;       ///< file; empty: none
  StylizeOptions options;
};

}  // namespace ganvas::cli
