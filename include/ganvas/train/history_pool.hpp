#pragma once

#include <torch/types.h>

#include <cstdint>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// Fakes of earlier steps for the discriminator (Shrivastava et al. 2017, section 2.3): until the pool is full it keeps
/// every picture and gives it back; from then on, half of the pictures are swapped for a random older one. Draws come
/// from LibTorch's default generator. Size 0: gives every picture back.
class HistoryPool {
 public:
  explicit HistoryPool(std::int64_t size = 0) : size_(size) {}
  /// N x C x H x W, detached; the result has the same shape.
  torch::Tensor query(const torch::Tensor& pictures);

  /// The pictures held, M x C x H x W; undefined while there are none.
  torch::Tensor state() const { return pictures_; }
  void restore(const torch::Tensor& pictures) { pictures_ = pictures; }

 private:
  std::int64_t size_;
  torch::Tensor pictures_;
};

}  // namespace ganvas
