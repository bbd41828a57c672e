#include "nn/legacy_norm.hpp"

#include <torch/types.h>

#include <string>

namespace ganvas {

StateDict without_legacy_statistics(const StateDict& weights) {
  StateDict kept;
  for (const auto& [key, tensor] : weights)
    if (!key.ends_with(".running_mean") && !key.ends_with(".running_var") && !key.ends_with(".num_batches_tracked"))
      kept.set(key, tensor);
  return kept;
}

}  // namespace ganvas
