#pragma once

#include <optional>
#include <string_view>

namespace ganvas {

/// What instructions of x86-64 code is made for, each with those before it; `none`: another machine, or none beyond
/// x86-64-v2. AVX-512 means F, BW, DQ and VL together; `all` adds AMX and whatever comes.
enum class Isa { none, avx2, avx512, avx512_vnni, avx512_bf16, all };

/// "avx2" -> Isa::avx2; nullopt for other texts.
std::optional<Isa> parse_isa(std::string_view name);
std::string_view isa_name(Isa isa);

/// The most that may be used: GANVAS_MAX_ISA (a name as above), a switch for tests and measurements that caps our own
/// code and oneDNN's alike; `all` where it isn't set. Another text caps nothing and is warned of once.
Isa isa_cap();

/// Whether this machine has these instructions and may use them (AVX2 with FMA). Not for Isa::all, which says nothing
/// of a machine.
bool cpu_has(Isa isa);

/// The CPU's name as the system has it, for messages and keys of caches.
std::string_view cpu_name();

}  // namespace ganvas
