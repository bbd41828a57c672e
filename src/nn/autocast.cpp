#include <ATen/autocast_mode.h>
#include <torch/library.h>
#include <torch/torch.h>

#include "ganvas/nn/torch_compat.hpp"

namespace ganvas {

AutocastScope::~AutocastScope() {
  at::autocast::clear_cache();
  set(before_);
}

#if GANVAS_TORCH_AT_LEAST(2, 4)
namespace {
at::DeviceType device_of(bool cuda) { return cuda ? at::kCUDA : at::kCPU; }
}  // namespace

bool AutocastScope::is_on(bool cuda) { return at::autocast::is_autocast_enabled(device_of(cuda)); }

void AutocastScope::set(bool on) {
  at::autocast::set_autocast_enabled(device_of(cuda_), on);
  if (on) at::autocast::set_autocast_dtype(device_of(cuda_), at::kBFloat16);
}
#else
bool AutocastScope::is_on(bool cuda) { return cuda ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled(); }

void AutocastScope::set(bool on) {
  if (cuda_) {
    at::autocast::set_enabled(on);
    if (on) at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
  } else {
    at::autocast::set_cpu_enabled(on);
    if (on) at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
  }
}
#endif

// LibTorch 1.13 has no rule for these norms on the CPU: they meet bf16 values and fp32 weights, which the forward pass
// takes and the backward pass refuses. Here, since whoever turns autocast on links this file.
#if !GANVAS_TORCH_AT_LEAST(2, 0)
namespace {

using torch::Tensor;
using MaybeWeight = c10::optional<Tensor>;

Tensor in_fp32(const Tensor& x) { return x.scalar_type() == torch::kBFloat16 ? x.to(torch::kFloat) : x; }
MaybeWeight in_fp32(const MaybeWeight& x) { return x && x->defined() ? MaybeWeight(in_fp32(*x)) : x; }

Tensor layer_norm_in_fp32(const Tensor& x, at::IntArrayRef shape, const MaybeWeight& weight, const MaybeWeight& bias,
                          double eps, bool cudnn) {
  const c10::impl::ExcludeDispatchKeyGuard off(c10::DispatchKey::AutocastCPU);
  return at::layer_norm(in_fp32(x), shape, in_fp32(weight), in_fp32(bias), eps, cudnn);
}

Tensor group_norm_in_fp32(const Tensor& x, std::int64_t groups, const MaybeWeight& weight, const MaybeWeight& bias,
                          double eps, bool cudnn) {
  const c10::impl::ExcludeDispatchKeyGuard off(c10::DispatchKey::AutocastCPU);
  return at::group_norm(in_fp32(x), groups, in_fp32(weight), in_fp32(bias), eps, cudnn);
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, AutocastCPU, library) {
  library.impl("layer_norm", TORCH_FN(layer_norm_in_fp32));
  library.impl("group_norm", TORCH_FN(group_norm_in_fp32));
}
#endif

}  // namespace ganvas
