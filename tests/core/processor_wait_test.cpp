#include "ganvas/core/processor_wait.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

#include "ganvas/core/clock.hpp"

using namespace ganvas;

TEST_CASE("waiting for a processor is counted where more threads work than there are processors") {
  if (!std::filesystem::exists("/proc/thread-self/schedstat")) {
    MESSAGE("[skipped] the kernel doesn't say");
    return;
  }
  const double end = seconds_now() + 0.2;
  const unsigned count = 3 * std::max(1U, std::thread::hardware_concurrency());
  std::vector<double> waited(count);
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < count; ++i)
    threads.emplace_back([&waited, i, end] {
      while (seconds_now() < end) continue;
      waited[i] = seconds_without_processor();
    });
  threads.clear();
  double sum = 0;
  for (const double one : waited) sum += one;
  // Of three threads a processor two wait at any time.
  CHECK(sum > 0.05 * count);
  CHECK(sum < 10.0 * count);
}
