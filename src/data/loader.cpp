#include "ganvas/data/loader.hpp"

#include <torch/torch.h>

#include <chrono>
#include <numeric>

#include "ganvas/data/pair_source.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas {

Loader::Loader(std::function<Batch(std::int64_t)> make, std::int64_t first_step, int threads, int ahead)
    : make_(std::move(make)), next_out_(first_step), next_in_(first_step), ahead_(ahead) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  emptied_.notify_all();
}

void Loader::work() {
  for (;;) {
    std::int64_t step = 0;
    {
      std::unique_lock lock(mutex_);
      emptied_.wait(lock, [&] { return stop_ || next_in_ < next_out_ + ahead_; });
      if (stop_) return;
      step = next_in_++;
    }
    Batch batch;
    std::exception_ptr error;
    try {
      batch = make_(step);
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    if (error) error_ = error;
    else ready_[step] = std::move(batch);
    filled_.notify_all();
  }
}

Batch Loader::next() {
  std::unique_lock lock(mutex_);
  const auto begin = std::chrono::steady_clock::now();
  filled_.wait(lock, [&] { return error_ || ready_.contains(next_out_); });
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (error_) std::rethrow_exception(error_);
  Batch batch = std::move(ready_.extract(next_out_++).mapped());
  emptied_.notify_all();
  return batch;
}

std::int64_t pooled_index(std::int64_t index, std::int64_t pool, std::uint64_t seed) {
  if (pool < 2) return index;
  const std::int64_t block = index / pool;
  // A stream of its own, so that the order has nothing to do with what the samples draw.
  Rng rng = Rng::for_item(~seed, static_cast<std::uint64_t>(block));
  std::vector<std::int64_t> order(static_cast<std::size_t>(pool));
  std::iota(order.begin(), order.end(), block * pool);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order[static_cast<std::size_t>(index % pool)];
}

Batch make_pair_batch(const PairSource& source, int size, std::uint64_t seed, std::int64_t step, std::int64_t pool) {
  std::vector<Image> lr, hr, sharp;
  for (int i = 0; i < size; ++i) {
    Rng rng = Rng::for_item(seed, static_cast<std::uint64_t>(pooled_index(step * size + i, pool, seed)));
    ImagePair pair = source.draw(rng);
    lr.push_back(std::move(pair.lr));
    hr.push_back(std::move(pair.hr));
    if (!pair.sharp.empty()) sharp.push_back(std::move(pair.sharp));
  }
  Batch batch{{"lr", tensor_from_images(lr)}, {"hr", tensor_from_images(hr)}};
  if (!sharp.empty()) batch["sharp"] = tensor_from_images(sharp);
  return batch;
}

}  // namespace ganvas
