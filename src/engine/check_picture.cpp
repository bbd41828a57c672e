#include "engine/check_picture.hpp"

#include <torch/torch.h>

#include "ganvas/nn/noise_picture.hpp"

namespace ganvas::engine {

torch::Tensor check_picture(const GeneratorInfo& info) {
  // Networks that work on large multiples are slow: two cells of them will do.
  const bool large = info.multiple >= 64;
  const std::int64_t height = large ? info.multiple - 3 : 2 * info.multiple + 9;
  const std::int64_t width = large ? 2 * info.multiple - 5 : 3 * info.multiple + 14;
  return to_range(noise_picture(info.in_channels, height, width), info);
}

}  // namespace ganvas::engine
