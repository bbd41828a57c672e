#pragma once

#include <torch/torch.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ganvas/nn/registry.hpp"

namespace ganvas::test {

/// Every example of every architecture with its name, with random weights, in evaluation mode.
inline std::vector<std::pair<GeneratorPtr, std::string>> random_networks() {
  std::vector<std::pair<GeneratorPtr, std::string>> networks;
  for (const auto& plugin : generator_plugins())
    for (const auto& config : plugin.examples) {
      torch::manual_seed(3);
      const GeneratorPtr network = plugin.make(config);
      for (auto& parameter : network->parameters()) parameter.normal_(0.0, 0.15);
      network->eval();
      network->weights_changed();
      networks.emplace_back(network, plugin.name + " " + config.dump());
    }
  return networks;
}

/// Whether a network is left to LibTorch on purpose: the engine says by name which operator it doesn't know, or which
/// use of one (`why`). Those that it was made for have no such excuse.
inline bool left_to_libtorch(const Generator& network, const std::string& why) {
  const std::set<std::string> engine_runs{"compact", "dat",    "drct",    "edsr", "hat",      "msrresnet", "omnisr",
                                          "rcan",    "resnet", "rrdbnet", "span", "srresnet", "swinir",    "unet"};
  if (why.starts_with("aten::upsample_bicubic2d")) return true;  // in front of a network that unshuffles its picture
  return !engine_runs.contains(network.architecture()) && (why.starts_with("aten::") || why.starts_with("prim::"));
}

}  // namespace ganvas::test
