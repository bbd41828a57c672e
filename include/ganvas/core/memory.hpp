#pragma once

#include <cstdint>

namespace ganvas {

/// Bytes that this process can still take: what the system calls available, or less where a control group (a container,
/// a batch job) sets a limit. UINT64_MAX where neither is known.
std::uint64_t available_memory();

}  // namespace ganvas
