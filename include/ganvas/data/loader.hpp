#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace ganvas {

/// Named tensors of one training step, N x C x H x W float in [0,1], channels_last: "lr", "hr" or "a", "b".
using Batch = std::map<std::string, torch::Tensor>;

/// Prepares batches on threads of its own, in the order of the steps whatever the threads do. `make(step)` must depend
/// on the step alone: that is what makes a resumed run see the same data.
class Loader {
 public:
  Loader(std::function<Batch(std::int64_t step)> make, std::int64_t first_step, int threads = 1, int ahead = 4);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next step's batch; waits for it. Rethrows what `make` threw.
  Batch next();
  /// Seconds that next() has waited so far.
  double waited() const { return waited_; }

 private:
  void work();
  std::function<Batch(std::int64_t)> make_;
  std::int64_t next_out_, next_in_;
  int ahead_;
  bool stop_ = false;
  double waited_ = 0;
  std::exception_ptr error_;
  std::map<std::int64_t, Batch> ready_;
  std::mutex mutex_;
  std::condition_variable filled_, emptied_;
  std::vector<std::jthread> threads_;
};

class PairSource;
/// The batch of a super-resolution step: `size` draws, each with its own generator derived from (seed, step, position).
Batch make_pair_batch(const PairSource& source, int size, std::uint64_t seed, std::int64_t step);

}  // namespace ganvas
