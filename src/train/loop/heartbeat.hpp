#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace ganvas {

/// Tells a process that is gone or cut off from one that is merely slow. Each process of a group has a thread that does
/// nothing but count up the process's own number, in a place that all can see, and look at the others' numbers: these
/// go on through the longest validation, and stand still behind a broken line.
class Heartbeat {
 public:
  /// Adds `by` to a rank's number and returns the sum. Called from the heartbeat's thread alone; may block for ever and
  /// may throw, which both count as silence.
  using Count = std::function<std::int64_t(int rank, int by)>;
  Heartbeat(int rank, int size, std::chrono::milliseconds every, Count count);
  /// Waits a moment for the thread, and leaves one that is blocked to the end of the process.
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  /// The numbers of all ranks as last seen.
  std::vector<std::int64_t> numbers() const;

  /// Of one wait for the others. Looks are counted, not seconds, so that the time in which this process itself was
  /// stopped (Ctrl-Z, a laptop's lid) accuses nobody.
  class Watch {
   public:
    explicit Watch(const Heartbeat& heartbeat);
    /// Looks again: the first rank, but this one, that has been silent for `patience` looks in a row.
    std::optional<int> silent(int patience);

   private:
    const Heartbeat& heartbeat_;
    std::vector<std::int64_t> numbers_;
    std::vector<int> silence_;
  };

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace ganvas
