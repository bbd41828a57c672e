#include "ganvas/core/memory.hpp"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace ganvas {

namespace {

std::uint64_t number_in(const char* path) {
  std::uint64_t value = UINT64_MAX;
  std::ifstream stream(path);
  return stream >> value ? value : UINT64_MAX;  // "max" is no number
}

std::uint64_t system_available() {
  std::ifstream stream("/proc/meminfo");
  std::string name, unit;
  for (std::uint64_t kilobytes = 0; stream >> name >> kilobytes; std::getline(stream, unit))
    if (name == "MemAvailable:") return kilobytes * 1024;
  return UINT64_MAX;
}

std::uint64_t group_available() {
  const std::uint64_t limit = number_in("/sys/fs/cgroup/memory.max");
  const std::uint64_t used = number_in("/sys/fs/cgroup/memory.current");
  if (limit == UINT64_MAX || used == UINT64_MAX) return UINT64_MAX;
  return limit > used ? limit - used : 0;
}

}  // namespace

std::uint64_t available_memory() { return std::min(system_available(), group_available()); }

void keep_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  ::mallopt(M_TOP_PAD, 128 << 20);
#endif
}

}  // namespace ganvas
