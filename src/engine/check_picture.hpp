#pragma once

#include <torch/types.h>

#include "ganvas/nn/generator.hpp"

namespace ganvas::engine {

/// A small picture for the first comparison with the network's own result: every value of its range, in a size that the
/// trace didn't have; without LibTorch's random state, which belongs to whoever calls.
torch::Tensor check_picture(const GeneratorInfo& info);

}  // namespace ganvas::engine
