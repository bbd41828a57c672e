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
/// The batch of a super-resolution step: `size` draws, each with its own generator derived from (seed, index), where
/// index counts the samples of all steps. "lr", "hr" and, where the source sharpens, "sharp". With `pool` above 0 the
/// indices are shuffled within blocks of that many samples, see pooled_index().
Batch make_pair_batch(const PairSource& source, int size, std::uint64_t seed, std::int64_t step, std::int64_t pool = 0);

/// Position `index` of the stream of samples, shuffled within consecutive blocks of `pool` samples (0 or 1: as it is).
///
/// Stands for Real-ESRGAN's pair pool: a queue of 180 samples, shuffled when full, of which a batch is taken and
/// replaced by a new one, so that samples degraded in one go (there a whole batch has one resize factor, kind of noise
/// and order) end in different batches. A queue's content depends on all steps before; this depends on the index alone,
/// so that a resumed run sees the same data. Either way each sample is used exactly once, and samples made together are
/// spread over about pool / size batches. Since here each sample's picture, crop and degradation are drawn
/// independently of all others, and the order is drawn independently of them, batches have the same distribution with
/// any pool, 0 included: that of independent samples, which the published queue approaches.
std::int64_t pooled_index(std::int64_t index, std::int64_t pool, std::uint64_t seed);

}  // namespace ganvas
