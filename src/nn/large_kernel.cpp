#include "nn/large_kernel.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"
#include "nn/blocks.hpp"
#include "nn/paths.hpp"

namespace ganvas {

using torch::Tensor;

PartialLargeKernelImpl::PartialLargeKernelImpl(int channels, int kernel)
    : channels_(channels), conv_(register_module("conv", make_conv(channels, channels, kernel))) {}

Tensor PartialLargeKernelImpl::forward(const Tensor& x) {
  const std::int64_t all = x.size(1);
  if (all == channels_) return conv_->forward(x);
  return torch::cat({conv_->forward(x.narrow(1, 0, channels_)), x.narrow(1, channels_, all - channels_)}, 1);
}

ElementAttentionImpl::ElementAttentionImpl(int channels)
    : conv_(register_at(*this, "f.0", make_conv(channels, channels))) {}

Tensor ElementAttentionImpl::forward(const Tensor& x) { return x * torch::sigmoid(conv_->forward(x)); }

void check_large_kernel(int channels, int partial, int kernel) {
  if (kernel % 2 == 0) fail(ErrorKind::recipe, "kernel: {} is even", kernel);
  if (partial > channels)
    fail(ErrorKind::recipe, "partial_channels: {} are more than the {} that there are", partial, channels);
}

}  // namespace ganvas
