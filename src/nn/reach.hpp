#pragma once

#include <algorithm>

#include "ganvas/core/division.hpp"

/// How far networks of several resolutions see: intervals of pixels, followed from the output back to the input.
namespace ganvas {

/// Pixels first..last along one axis.
struct Reach {
  int first = 0, last = 0;
  Reach operator|(const Reach& other) const { return {std::min(first, other.first), std::max(last, other.last)}; }
};

/// What a convolution of these pixels reads.
constexpr Reach through_conv(Reach out, int kernel, int stride, int padding) {
  return {out.first * stride - padding, out.last * stride - padding + kernel - 1};
}
/// The same of a transposed convolution.
constexpr Reach through_transposed(Reach out, int kernel, int stride, int padding) {
  return {divided_down(out.first + padding - kernel + stride, stride), divided_down(out.last + padding, stride)};
}
/// The same of a picture doubled by repetition, then convolved 3x3 (push_resize_conv).
constexpr Reach through_resize_conv(Reach out) {
  const Reach doubled = through_conv(out, 3, 1, 1);
  return {divided_down(doubled.first, 2), divided_down(doubled.last, 2)};
}

/// Largest distance that `back` (output pixels -> input pixels) has to any pixel of a cell of `multiple`.
template <typename Back>
int widest_reach(int multiple, Back back) {
  int widest = 0;
  for (int x = 0; x < multiple; ++x) {
    const Reach read = back(Reach{x, x});
    widest = std::max({widest, x - read.first, read.last - x});
  }
  return widest;
}

}  // namespace ganvas
