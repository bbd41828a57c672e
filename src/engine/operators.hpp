#pragma once

#include <algorithm>

/// What graphs, plans and kernels share; without LibTorch.
namespace ganvas::engine {

enum class Activation { none, relu, leaky_relu, prelu, silu, sigmoid, tanh };
enum class Element { fp32, bf16, int8 };

/// Values in unsigned 8 bit: step * (q - zero), q in 0..255.
struct Int8Scale {
  double step = 0;  ///< 0: not in int8
  int zero = 0;
  bool used() const { return step > 0; }
};

enum class Border { zero, reflect, replicate };

/// Where place `i` of an enlarged axis lies between the `from` original ones, in [0, from - 1].
inline double bilinear_place(int i, int from, int to, bool align_corners) {
  double place = (i + 0.5) * from / to - 0.5;
  if (align_corners) place = to > 1 ? static_cast<double>(i) * (from - 1) / (to - 1) : 0;
  return std::clamp(place, 0.0, from - 1.0);
}

/// Which of `size` places the padded place `i` shows, `before` being added in front; -1: zero.
inline int padded_source(int i, int before, int size, Border kind) {
  const int place = i - before;
  if (place >= 0 && place < size) return place;
  if (kind == Border::zero) return -1;
  if (kind == Border::replicate) return std::clamp(place, 0, size - 1);
  return place < 0 ? -place : 2 * (size - 1) - place;
}

}  // namespace ganvas::engine
