#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "ganvas/core/recipe.hpp"

namespace ganvas {

/// Progressive growing (Karras et al. 2018): networks begin with pictures of 4 x 4 and take in one level after the
/// other, each first faded in, then trained as it is. A pure function of the step, so that a resumed run is where it
/// was. Recipe table [growth]: on, fade_steps and stable_steps (lists, one number for all
/// levels or one a level, smallest first; the last level goes on to the run's end),
/// batches (pictures a batch of each level, smallest first, at most train.batch; empty: train.batch for all).
class Growth {
 public:
  /// For pictures of `size` x `size`, 4 times a power of two.
  Growth(Recipe& recipe, int size, std::int64_t steps, int batch);

  struct Place {
    int level = 0;        ///< 0: 4 x 4
    double fade = 1;      ///< share of the level in its mix with the one below, in (0, 1]
    bool begins = false;  ///< the first step of a level that is not the first
  };
  bool on() const { return on_; }
  Place at(std::int64_t step) const;
  int last_level() const { return levels_ - 1; }
  int batch(int level) const { return batches_.at(static_cast<std::size_t>(level)); }
  /// Pictures of the whole size as those of a level, with the level below mixed in as the networks do it.
  torch::Tensor shrunk(const torch::Tensor& pictures, const Place& place) const;

 private:
  bool on_;
  int levels_ = 1;
  std::vector<std::int64_t> begins_{};      ///< the first step of each level
  std::vector<std::int64_t> fade_steps_{};  ///< of each level; none of the first
  std::vector<int> batches_;
};

}  // namespace ganvas
