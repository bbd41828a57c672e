#pragma once

#include <torch/nn/module.h>

namespace ganvas {

/// A layer that can compute once what follows from its weights alone.
class Settles {
 public:
  virtual ~Settles() = default;
  /// The weights stay as they are from now on.
  virtual void settle() = 0;
};

/// The network's weights stay as they are from now on (planes of noise may change): pictures that are made one at a
/// time on the CPU then take faster ways.
inline void settle(torch::nn::Module& network) {
  for (const auto& layer : network.modules())
    if (auto* settling = dynamic_cast<Settles*>(layer.get())) settling->settle();
}

}  // namespace ganvas
