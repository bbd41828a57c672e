#pragma once

#include <torch/types.h>

#include <vector>

#include "ganvas/infer/options.hpp"

namespace ganvas {

/// Where a walk through `stops` (tensors of one shape, at least two) is at `place`: 0 is the first stop, 1 the second;
/// with `loop` the way leads from the last back to the first. slerp keeps the length between those of its two ends.
torch::Tensor walked(const std::vector<torch::Tensor>& stops, double place, WalkPath path, bool loop);

}  // namespace ganvas
