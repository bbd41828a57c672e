#pragma once

#include <functional>
#include <optional>

namespace ganvas::engine {

/// What is timed.
struct Timed {
  int node = -1;  ///< of its graph; -1: copying from one layout to the other
  bool together = false;
  double operations = 0;  ///< multiplications and additions, or bytes
};
/// Does the work once and gives its seconds; tests pretend.
using Stopwatch = std::function<double(const Timed& what, const std::function<void()>& work)>;

/// By the clock.
Stopwatch clock_stopwatch();

/// What the work takes when nothing disturbs it: of five times the second least, as single ones are off in both
/// directions. Times that can't be (negative, no numbers, faster than any CPU, longer than a minute) don't count;
/// nothing where fewer than two are left.
std::optional<double> robust_seconds(const Stopwatch& stopwatch, const Timed& what, const std::function<void()>& work);

}  // namespace ganvas::engine
