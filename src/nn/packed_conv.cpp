#include "nn/packed_conv.hpp"

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <string>
#include <vector>

namespace ganvas {

using torch::Tensor;

namespace {

c10::optional<c10::OperatorHandle> operator_of(const char* name) {
  return c10::Dispatcher::singleton().findSchema({std::string("mkldnn_prepacked::") + name, ""});
}

}  // namespace

PackedConv::PackedConv(const Tensor& weight, torch::IntArrayRef padding, std::int64_t height, std::int64_t width) {
  const bool small_kernel = weight.size(2) * weight.size(3) < 4;
  if (small_kernel || weight.numel() <= 4 * weight.size(1) * height * width || !weight.is_cpu()) return;
  if (weight.scalar_type() != torch::kFloat || !at::hasMKLDNN() || !operator_of("conv2d_run")) return;
  const auto pack = operator_of("conv2d_prepack");
  if (!pack) return;
  const std::vector<std::int64_t> ones{1, 1};
  torch::jit::Stack stack{weight.detach().contiguous(at::MemoryFormat::ChannelsLast),
                          c10::IValue(),
                          ones,
                          padding.vec(),
                          ones,
                          std::int64_t{1},
                          std::vector<std::int64_t>{1, weight.size(1), height, width},
                          "none"};
  pack->callBoxed(stack);
  packed_ = stack.back();
}

Tensor PackedConv::operator()(const Tensor& x) const {
  static const c10::OperatorHandle run = *operator_of("conv2d_run");
  torch::jit::Stack stack{x, packed_};
  run.callBoxed(stack);
  return stack.back().toTensor();
}

}  // namespace ganvas
