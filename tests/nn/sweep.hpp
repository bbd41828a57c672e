#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "ganvas/nn/registry.hpp"
#include "support/relative_error.hpp"

namespace ganvas::test {

/// One example configuration of one architecture.
struct Example {
  const GeneratorPlugin* plugin;
  nlohmann::json config;
  std::string name() const { return plugin->name + " " + config.dump(); }
  GeneratorPtr make() const {
    torch::manual_seed(1);
    return plugin->make(config);
  }
};

inline std::vector<Example> all_examples() {
  std::vector<Example> examples;
  for (const auto& plugin : generator_plugins())
    for (const auto& config : plugin.examples) examples.push_back({&plugin, config});
  return examples;
}

/// A picture of noise in the network's value range.
inline torch::Tensor picture(const Generator& network, std::int64_t height, std::int64_t width) {
  torch::manual_seed(height * 1000 + width);
  const GeneratorInfo info = network.info();
  return to_range(torch::rand({1, info.in_channels, height, width}), info);
}

inline bool equal_bits(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, tensor] : a) {
    const torch::Tensor* other = b.find(key);
    if (!other || other->scalar_type() != tensor.scalar_type() || !torch::equal(tensor, *other)) return false;
  }
  return true;
}

}  // namespace ganvas::test
