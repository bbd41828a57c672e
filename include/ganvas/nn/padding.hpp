#pragma once

#include <torch/types.h>

#include <cstdint>

namespace ganvas {

/// N x C x H x W: appends rows and columns at the bottom and right until both sides are multiples: the picture's
/// reflection, and where the picture is too small for that, its last row and column repeated.
torch::Tensor pad_to_multiple(const torch::Tensor& x, std::int64_t multiple);

/// The same to sides of at least `smallest`.
torch::Tensor pad_up_to(const torch::Tensor& x, std::int64_t smallest);

/// The part of an enlarged result that belongs to the input, without what was padded.
torch::Tensor cut_to(const torch::Tensor& result, const torch::Tensor& input, int scale);

/// What stands beyond a picture's border: its reflection (as in pad_to_multiple()), or its edge repeated.
enum class Border { reflected, repeated };
/// `before` rows and columns on every side, and at the bottom and right what is missing to a multiple besides.
torch::Tensor pad_around(const torch::Tensor& x, std::int64_t before, std::int64_t multiple, Border border);

}  // namespace ganvas
