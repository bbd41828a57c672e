#include "train/loop/heartbeat.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

using namespace ganvas;
using namespace std::chrono_literals;

namespace {

/// The place that all see, for threads instead of machines.
struct Place {
  std::array<std::atomic<std::int64_t>, 3> numbers{};
  Heartbeat::Count count() {
    return [this](int rank, int by) { return numbers[rank] += by; };
  }
};

void wait_until(const std::function<bool()>& reached) {
  for (int i = 0; i < 20'000 && !reached(); ++i) std::this_thread::sleep_for(1ms);
  REQUIRE(reached());
}

}  // namespace

TEST_CASE("heartbeat: only who stands still for long enough is silent, and nobody accuses himself") {
  Place place;
  const Heartbeat heart(1, 3, 1ms, place.count());
  Heartbeat::Watch watch(heart);
  const auto seen = [&](int rank, std::int64_t number) {
    place.numbers[rank] = number;
    wait_until([&] { return heart.numbers()[rank] == number; });
  };
  wait_until([&] { return heart.numbers()[1] > 3; });  // its own number grows by itself
  for (int i = 1; i <= 10; ++i) {
    seen(0, i);
    seen(2, i);
    CHECK_FALSE(watch.silent(2));
  }
  seen(0, 20);
  CHECK_FALSE(watch.silent(2));  // rank 2 silent once
  seen(0, 21);
  CHECK(watch.silent(2) == 2);
  seen(0, 22);
  seen(2, 11);  // back again
  CHECK_FALSE(watch.silent(2));
  CHECK_FALSE(watch.silent(2));
  CHECK(watch.silent(2) == 0);  // both are silent: the first
}

TEST_CASE("heartbeat: a place that is gone, or never answers, is silence and keeps nobody waiting") {
  const Heartbeat gone(0, 2, 1ms, [](int, int) -> std::int64_t { throw std::runtime_error("connection reset"); });
  Heartbeat::Watch watch(gone);
  CHECK_FALSE(watch.silent(2));
  CHECK(watch.silent(2) == 1);

  // Shared with the thread, which is left behind.
  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool entered = false, open = false, left = false;
  };
  const auto gate = std::make_shared<Gate>();
  {
    const Heartbeat blocked(0, 2, 1ms, [gate](int, int) -> std::int64_t {
      std::unique_lock lock(gate->mutex);
      gate->entered = true;
      gate->changed.notify_all();
      gate->changed.wait(lock, [&] { return gate->open; });
      gate->left = true;
      gate->changed.notify_all();
      return 0;
    });
    std::unique_lock lock(gate->mutex);
    gate->changed.wait(lock, [&] { return gate->entered; });
  }
  std::unique_lock lock(gate->mutex);
  CHECK_FALSE(gate->left);
  gate->open = true;
  gate->changed.notify_all();
  gate->changed.wait(lock, [&] { return gate->left; });
}
