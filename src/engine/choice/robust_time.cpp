#include "engine/choice/robust_time.hpp"

#include <ATen/Parallel.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <vector>

namespace ganvas::engine {

namespace {

double processor_seconds() {
  std::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

Stopwatch process_stopwatch() {
  return [](const Timed&, const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    const double processor = processor_seconds();
    work();
    const double by_clock = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return std::min(by_clock, (processor_seconds() - processor) / at::get_num_threads());
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
