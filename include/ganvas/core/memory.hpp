#pragma once

#include <cstdint>

namespace ganvas {

/// Bytes that this process can still take: what the system calls available, or less where a control group (a container,
/// a batch job) sets a limit. UINT64_MAX where neither is known.
std::uint64_t available_memory();

/// From now on the allocator keeps what is freed instead of giving it back to the system. A training step allocates the
/// same large tensors again and again; fetching fresh pages for each costs a third of the time on some machines.
void keep_freed_memory();

}  // namespace ganvas
