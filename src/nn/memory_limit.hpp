#pragma once

#include <cstddef>
#include <memory>

namespace ganvas {

/// While it lives, tensors that this thread makes on the CPU may take so many bytes together; what goes beyond throws
/// c10::Error. Limits nest; the innermost counts.
class TensorMemoryLimit {
 public:
  explicit TensorMemoryLimit(std::size_t bytes);
  ~TensorMemoryLimit();
  /// Whether anything was refused.
  bool reached() const { return *reached_; }
  TensorMemoryLimit(const TensorMemoryLimit&) = delete;
  TensorMemoryLimit& operator=(const TensorMemoryLimit&) = delete;

 private:
  void* outer_;
  std::shared_ptr<const bool> reached_;
};

}  // namespace ganvas
