#include "ganvas/core/memory.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
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

/// What a limit of the process itself leaves; `field` of /proc/self/statm says how much of it is used.
std::uint64_t own_available(int resource, int field) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return UINT64_MAX;
  std::uint64_t pages = 0;
  std::ifstream stream("/proc/self/statm");
  for (int i = 0; i <= field; ++i) stream >> pages;
  const std::uint64_t used = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return stream && limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

}  // namespace

std::uint64_t available_addresses() { return own_available(RLIMIT_AS, 0); }

std::uint64_t available_memory() {
  constexpr int data_and_stack = 5;
  return std::min(
      {system_available(), available_in_groups(), available_addresses(), own_available(RLIMIT_DATA, data_and_stack)});
}

std::string format_bytes(double bytes) {
  constexpr const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 999.5) return fmt::format("{:.0f} bytes", bytes);
  std::size_t unit = 0;
  double count = bytes / 1024;
  // What would be rounded to four digits is written in the next unit.
  for (; count >= 999.5 && unit + 1 < std::size(units); ++unit) count /= 1024;
  const int decimals = count < 9.995 ? 2 : count < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", count, decimals, units[unit]);
}

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
