#include "train/loop/heartbeat.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace ganvas {

/// Shared with the thread, which may outlive the heartbeat.
struct Heartbeat::State {
  int rank;
  std::chrono::milliseconds every;
  Count count;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::int64_t> numbers;
  bool stop = false, ended = false;

  void run() {
    try {
      while (!stopped_after_pause()) look();
    } catch (...) {
      // The place is gone: from here on all numbers stand still.
    }
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  }

  void look() {
    for (int other = 0; other < static_cast<int>(numbers.size()); ++other) {
      const std::int64_t number = count(other, other == rank ? 1 : 0);
      const std::lock_guard lock(mutex);
      numbers[other] = number;
    }
  }

  bool stopped_after_pause() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, every, [this] { return stop; });
  }
};

Heartbeat::Heartbeat(int rank, int size, std::chrono::milliseconds every, Count count)
    : state_(std::make_shared<State>()) {
  state_->rank = rank;
  state_->every = every;
  state_->count = std::move(count);
  state_->numbers.resize(size);
  std::thread([state = state_] { state->run(); }).detach();
}

Heartbeat::~Heartbeat() {
  std::unique_lock lock(state_->mutex);
  state_->stop = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, std::chrono::seconds(2), [this] { return state_->ended; });
}

std::vector<std::int64_t> Heartbeat::numbers() const {
  const std::lock_guard lock(state_->mutex);
  return state_->numbers;
}

Heartbeat::Watch::Watch(const Heartbeat& heartbeat)
    : heartbeat_(heartbeat), numbers_(heartbeat.numbers()), silence_(numbers_.size()) {}

std::optional<int> Heartbeat::Watch::silent(int patience) {
  const std::vector<std::int64_t> now = heartbeat_.numbers();
  std::optional<int> found;
  for (int rank = static_cast<int>(now.size()); rank-- > 0;) {
    silence_[rank] = now[rank] == numbers_[rank] ? silence_[rank] + 1 : 0;
    if (rank != heartbeat_.state_->rank && silence_[rank] >= patience) found = rank;
  }
  numbers_ = now;
  return found;
}

}  // namespace ganvas
