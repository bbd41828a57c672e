#pragma once

#include <cstdint>

namespace ganvas {

/// Index inside 0..size-1 of the mirror image of `i` with the edge sample repeated (... 1 0 | 0 1 ... n-1 | n-1 ...),
/// however far outside it lies.
inline int mirror(std::int64_t i, int size) {
  if (i >= 0 && i < size) return static_cast<int>(i);
  const std::int64_t period = std::int64_t{2} * size;
  i = (i % period + period) % period;
  return static_cast<int>(i < size ? i : period - 1 - i);
}

}  // namespace ganvas
