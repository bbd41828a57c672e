#include "ganvas/core/threads.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace ganvas {

int startable_threads(int wanted) {
  std::mutex mutex;
  std::condition_variable enough;
  bool over = false;
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(wanted));
  try {
    while (static_cast<int>(threads.size()) < wanted)
      threads.emplace_back([&] {
        std::unique_lock lock(mutex);
        enough.wait(lock, [&] { return over; });
      });
  } catch (const std::system_error&) {
    // No more of them: that is the answer.
  }
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  enough.notify_all();
  return static_cast<int>(threads.size());
}

}  // namespace ganvas
