#pragma once

#include <ATen/core/ivalue.h>
#include <torch/types.h>

namespace ganvas {

/// A convolution of stride 1 of one small picture by a large kernel that stays, which lies in oneDNN's own order:
/// LibTorch orders kernels anew at every call, and takes a slow way of its own for pictures of up to 20,480 numbers.
/// fp32 on the CPU, not differentiable.
class PackedConv {
 public:
  PackedConv() = default;
  /// weight: O x I x H x W, for a picture of 1 x I x height x width. Stays empty where LibTorch's own way is as fast,
  /// and where it has no oneDNN.
  PackedConv(const torch::Tensor& weight, torch::IntArrayRef padding, std::int64_t height, std::int64_t width);
  explicit operator bool() const { return !packed_.isNone(); }
  torch::Tensor operator()(const torch::Tensor& x) const;

 private:
  c10::IValue packed_;
};

}  // namespace ganvas
