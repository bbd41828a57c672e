#include "ganvas/core/memory.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace ganvas {

namespace {

std::uint64_t system_available() {
  std::ifstream stream("/proc/meminfo");
  std::string name, unit;
  for (std::uint64_t kilobytes = 0; stream >> name >> kilobytes; std::getline(stream, unit))
    if (name == "MemAvailable:") return kilobytes * 1024;
  return UINT64_MAX;
}

/// What the process's own limits leave of addresses (ulimit -v) and of data (ulimit -d).
std::uint64_t own_available() {
  std::uint64_t pages[6] = {};  // of /proc/self/statm: size, resident, shared, text, 0, data and stack
  std::ifstream stream("/proc/self/statm");
  for (auto& count : pages) stream >> count;
  if (!stream) return UINT64_MAX;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::uint64_t available = UINT64_MAX;
  const auto consider = [&](auto resource, std::uint64_t used) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    available = std::min<std::uint64_t>(available, limit.rlim_cur > used ? limit.rlim_cur - used : 0);
  };
  consider(RLIMIT_AS, pages[0] * page);
  consider(RLIMIT_DATA, pages[5] * page);
  return available;
}

}  // namespace

std::uint64_t available_memory() { return std::min({system_available(), available_in_groups(), own_available()}); }

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr std::uint64_t plenty = UINT64_C(2) << 30;
  if (available_memory() < plenty) return;
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  ::mallopt(M_TOP_PAD, 128 << 20);
#endif
}

}  // namespace ganvas
