#pragma once

#include <torch/types.h>

#include <cstdint>

namespace ganvas {

/// N x C x H x W: appends rows and columns at the bottom and right until both sides are multiples: the picture's
/// reflection, and where the picture is too small for that, its last row and column repeated.
torch::Tensor pad_to_multiple(const torch::Tensor& x, std::int64_t multiple);

}  // namespace ganvas
