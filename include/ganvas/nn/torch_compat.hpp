#pragma once

#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <variant>

// The few differences between LibTorch 1.13 and 2.x that concern us, in one place.
#define GANVAS_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

namespace ganvas {

/// Options of LibTorch's layers are c10::variant up to 2.0 and std::variant since.
template <typename T, typename Variant>
const T& variant_get(const Variant& variant) {
#if GANVAS_TORCH_AT_LEAST(2, 1)
  return std::get<T>(variant);
#else
  return c10::get<T>(variant);
#endif
}

/// Turns mixed precision (bf16 where safe) on or off within a scope, on the CPU or on CUDA.
class AutocastScope {
 public:
  AutocastScope(bool on, bool cuda) : cuda_(cuda), before_(get()) { set(on); }
  ~AutocastScope() {
    at::autocast::clear_cache();
    set(before_);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
#if GANVAS_TORCH_AT_LEAST(2, 4)
  at::DeviceType device() const { return cuda_ ? at::kCUDA : at::kCPU; }
  bool get() const { return at::autocast::is_autocast_enabled(device()); }
  void set(bool on) {
    at::autocast::set_autocast_enabled(device(), on);
    if (on) at::autocast::set_autocast_dtype(device(), at::kBFloat16);
  }
#else
  bool get() const { return cuda_ ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled(); }
  void set(bool on) {
    if (cuda_) {
      at::autocast::set_enabled(on);
      if (on) at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
    } else {
      at::autocast::set_cpu_enabled(on);
      if (on) at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
    }
  }
#endif
  bool cuda_, before_;
};

}  // namespace ganvas
