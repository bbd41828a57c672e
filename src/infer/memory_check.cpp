#include "infer/memory_check.hpp"

#include "ganvas/core/memory.hpp"
#include "ganvas/core/setting_error.hpp"

namespace ganvas {

void require_memory(cv::Size result, double bytes) {
  const auto available = static_cast<double>(available_memory());
  if (bytes > available)
    fail_setting(ErrorKind::memory, "size", "{}x{} pixels need {}, {} are free", result.width, result.height,
                 format_bytes(bytes), format_bytes(available));
}

}  // namespace ganvas
