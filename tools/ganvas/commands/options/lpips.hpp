#pragma once

#include <string>

namespace ganvas::cli {

struct LpipsRequest {
  bool on = false;
  std::string network;  ///< file or name; empty: SqueezeNet 1.1 where `model fetch` puts it
  std::string heads;    ///< file or name; empty: the network's own, else where `model fetch` puts them
};

}  // namespace ganvas::cli
