#pragma once

#include <torch/types.h>

namespace ganvas {

/// One part of a picture at a place drawn by chance, to be cut out of several alike.
class MovedPart {
 public:
  /// Parts are `lost` pixels smaller than what they are cut from, to either direction. Draws from LibTorch's own
  /// random numbers.
  explicit MovedPart(std::int64_t lost) : lost_(lost), offsets_(at::randint(lost + 1, {2}, at::kLong)) {}
  /// Of a picture of `unit` pixels where the others have one: N x C x H x W, smaller by lost * unit.
  torch::Tensor of(const torch::Tensor& picture, std::int64_t unit = 1) const {
    return along(along(picture, 2, unit), 3, unit);
  }

 private:
  torch::Tensor along(const torch::Tensor& picture, std::int64_t dimension, std::int64_t unit) const {
    return picture.narrow(dimension, unit * offsets_[dimension - 2].item<std::int64_t>(),
                          picture.size(dimension) - unit * lost_);
  }

  std::int64_t lost_;
  torch::Tensor offsets_;
};

}  // namespace ganvas
