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

void require_pixels_within(std::uint64_t limit, std::int64_t width, std::int64_t height, const std::string& name) {
  const auto across = static_cast<std::uint64_t>(width), down = static_cast<std::uint64_t>(height);
  if (across > limit || down > limit || across * down > limit)
    fail_setting(ErrorKind::file, "max_pixels", "{}: claims {} x {} pixels, more than the limit of {}", name, across,
                 down, limit);
}

}  // namespace ganvas
