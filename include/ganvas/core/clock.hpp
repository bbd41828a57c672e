#pragma once

#include <chrono>

namespace ganvas {

/// Seconds of a clock that never jumps, for differences.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace ganvas
