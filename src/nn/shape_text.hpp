#pragma once

#include <fmt/format.h>
#include <torch/types.h>

#include <string>

namespace ganvas {

/// "[64,3,3,3]", for messages.
inline std::string shape_text(const torch::Tensor& tensor) {
  return fmt::format("[{}]", fmt::join(tensor.sizes().vec(), ","));
}

}  // namespace ganvas
