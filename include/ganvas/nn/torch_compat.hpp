#pragma once

#include <torch/version.h>

#include <variant>

// The few differences between LibTorch 1.13 and 2.x that concern us, in one place.
#define GANVAS_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

#if !GANVAS_TORCH_AT_LEAST(2, 1)
#include <c10/util/variant.h>
#endif

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

/// Turns mixed precision (bf16 where safe) on or off within a scope, on the CPU or on CUDA. Layer and group norms run
/// in fp32 there.
class AutocastScope {
 public:
  AutocastScope(bool on, bool cuda) : cuda_(cuda), before_(is_on(cuda)) { set(on); }
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

  static bool is_on(bool cuda);

 private:
  void set(bool on);

  bool cuda_, before_;
};

}  // namespace ganvas
