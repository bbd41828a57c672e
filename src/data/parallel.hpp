#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "ganvas/core/interrupt.hpp"

namespace ganvas {

/// Calls `work(i)` for all i on all cores; the first exception ends it and is rethrown.
template <typename Work>
void parallel_for(std::size_t count, Work work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex mutex;
  const auto loop = [&] {
    for (std::size_t i; (i = next++) < count && !interrupted();) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) threads.emplace_back(loop);
  }
  if (error) std::rethrow_exception(error);
  throw_if_interrupted();
}

}  // namespace ganvas
