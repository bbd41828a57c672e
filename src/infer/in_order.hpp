#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace ganvas {

/// Calls work(i) for all i below `count` on `threads` threads, each of which `begin` prepares, and take(i, result) one
/// after the other on the calling thread, until it says false. Few more results than threads wait to be taken. With one
/// thread all happens on the calling one. An exception of work(i) comes out here in its turn, and nothing behind it is
/// taken.
template <typename Result>
class InOrder {
 public:
  using Work = std::function<Result(std::size_t)>;
  using Take = std::function<bool(std::size_t, Result)>;

  static void run(std::size_t count, int threads, const std::function<void()>& begin, const Work& work,
                  const Take& take) {
    const std::size_t used = std::min(count, static_cast<std::size_t>(std::max(threads, 1)));
    if (used > 1) return InOrder(count, used, work).on(begin, take);
    if (count > 0) begin();
    for (std::size_t i = 0; i < count; ++i)
      if (!take(i, work(i))) return;
  }

 private:
  struct Slot {
    Result result{};
    std::exception_ptr error{};
  };

  InOrder(std::size_t count, std::size_t threads, const Work& work) : count_(count), threads_(threads), work_(work) {}

  void on(const std::function<void()>& begin, const Take& take) {
    std::vector<std::jthread> workers;
    const struct Stop {
      InOrder& all;
      ~Stop() { all.stop(); }
    } stop{*this};  // before the workers are waited for, whatever take() throws
    for (std::size_t i = 0; i < threads_; ++i)
      workers.emplace_back([this, &begin] {
        begin();
        loop();
      });
    for (std::size_t i = 0; i < count_; ++i) {
      Slot slot = taken(i);
      if (slot.error) std::rethrow_exception(slot.error);
      if (!take(i, std::move(slot.result))) return;
    }
  }
  void loop() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopped_ || next_ >= count_ || next_ < taken_ + 3 * threads_; });
      if (stopped_ || next_ >= count_) return;
      const std::size_t i = next_++;
      lock.unlock();
      Slot slot;
      try {
        slot.result = work_(i);
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      done_.emplace(i, std::move(slot));
      changed_.notify_all();
    }
  }
  Slot taken(std::size_t i) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_.contains(i); });
    Slot slot = std::move(done_.extract(i).mapped());
    taken_ = i + 1;
    changed_.notify_all();
    return slot;
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

  const std::size_t count_, threads_;
  const Work& work_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0, taken_ = 0;
  bool stopped_ = false;
  std::map<std::size_t, Slot> done_;
};

}  // namespace ganvas
