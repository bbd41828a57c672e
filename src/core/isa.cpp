#include "ganvas/core/isa.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string>

#include "ganvas/core/log.hpp"

namespace ganvas {

namespace {

constexpr std::array<std::string_view, 6> names{"none", "avx2", "avx512", "avx512_vnni", "avx512_bf16", "all"};

Isa machine_isa() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::none;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return Isa::avx2;
  if (!__builtin_cpu_supports("avx512vnni")) return Isa::avx512;
  return __builtin_cpu_supports("avx512bf16") ? Isa::avx512_bf16 : Isa::avx512_vnni;
#else
  return Isa::none;
#endif
}

Isa read_cap() {
  const char* given = std::getenv("GANVAS_MAX_ISA");
  if (!given || !*given) return Isa::all;
  if (const auto isa = parse_isa(given)) return *isa;
  log(LogLevel::warning, "GANVAS_MAX_ISA={}: expected one of {}; nothing is capped", given, fmt::join(names, ", "));
  return Isa::all;
}

std::string read_cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name") && line.find(": ") != std::string::npos) return line.substr(line.find(": ") + 2);
  return "a CPU without a name";
}

}  // namespace

std::optional<Isa> parse_isa(std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Isa>(found - names.begin());
}

std::string_view isa_name(Isa isa) { return names[static_cast<std::size_t>(isa)]; }

Isa isa_cap() {
  static const Isa cap = read_cap();
  return cap;
}

bool cpu_has(Isa isa) {
  static const Isa usable = std::min(machine_isa(), isa_cap());
  return isa <= usable;
}

std::string_view cpu_name() {
  static const std::string name = read_cpu_name();
  return name;
}

}  // namespace ganvas
