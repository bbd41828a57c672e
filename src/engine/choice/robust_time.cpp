#include "engine/choice/robust_time.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

namespace ganvas::engine {

Stopwatch clock_stopwatch() {
  return [](const Timed&, const std::function<void()>& work) {
    // Not by processor time: Linux counts that of other threads by ticks, which are longer than what is timed here.
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
}

std::optional<double> robust_seconds(const Stopwatch& stopwatch, const Timed& what, const std::function<void()>& work) {
  constexpr int times = 5;
  constexpr double most = 60, operations_a_second = 1e15;
  work();  // caches, pages, the other threads
  std::vector<double> possible;
  for (int i = 0; i < times; ++i) {
    const double seconds = stopwatch(what, work);
    if (std::isfinite(seconds) && seconds > what.operations / operations_a_second && seconds <= most)
      possible.push_back(seconds);
  }
  if (possible.size() < 2) return std::nullopt;
  std::ranges::nth_element(possible, possible.begin() + 1);
  return possible[1];
}

}  // namespace ganvas::engine
