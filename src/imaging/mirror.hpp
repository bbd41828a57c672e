#pragma once

#include <cstdint>

namespace ganvas {

/// Index inside 0..size-1 of the mirror image of `i`, however far outside it lies. The edge sample isn't repeated
/// (... 2 1 | 0 1 ... n-1 | n-2 n-3 ...), as networks themselves fill pictures up.
inline int mirror(std::int64_t i, int size) {
  if (i >= 0 && i < size) return static_cast<int>(i);
  if (size == 1) return 0;
  const std::int64_t period = std::int64_t{2} * (size - 1);
  i = (i % period + period) % period;
  return static_cast<int>(i < size ? i : period - i);
}

}  // namespace ganvas
