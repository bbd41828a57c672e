#pragma once

#include <torch/types.h>

#include <cstdint>

namespace ganvas {

/// The last pictures that went by, as few numbers each, so that runs with one picture a batch can be judged too.
class RecentPictures {
 public:
  /// N x C x H x W. Of another number of channels than before, or of fewer than 8 pixels a side where there were more:
  /// begins anew.
  void add(const torch::Tensor& pictures);

  std::int64_t count() const { return features_.defined() ? features_.size(0) : 0; }
  /// Mean distance of two different ones, and mean distance of each to its nearest; 0 with fewer than two.
  double spread() const;
  double nearest() const;

  /// M x F, at most 16 or as many as the last batch had; undefined while there are none.
  const torch::Tensor& state() const { return features_; }
  void restore(const torch::Tensor& features) { features_ = features; }

 private:
  torch::Tensor features_;
};

}  // namespace ganvas
