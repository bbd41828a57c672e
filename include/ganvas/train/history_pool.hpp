#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// Fakes of earlier steps for the discriminator (Shrivastava et al. 2017, section 2.3): until the pool is full it keeps
/// every picture and gives it back; from then on, half of the pictures are swapped for a random older one. Draws come
/// from LibTorch's default generator. Size 0: gives every picture back.
class HistoryPool {
 public:
  explicit HistoryPool(std::int64_t size = 0) : size_(size) {}
  /// N x C x H x W, detached; the result has the same shape. A single picture may come back in another size, where
  /// those of earlier steps had one; among several, only those of their size are exchanged.
  torch::Tensor query(const torch::Tensor& pictures);

  /// The pictures held: "pool", M x C x H x W, where all are of one size, otherwise "pool.0", "pool.1" ...; empty while
  /// there are none.
  StateDict state() const;
  void restore(const StateDict& state, torch::Device device);

 private:
  std::int64_t size_;
  std::vector<torch::Tensor> pictures_;  ///< C x H x W each
};

}  // namespace ganvas
