#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace ganvas {

/// Bytes that this process can still take: what the system calls available, or less where a control group (a container,
/// a batch job) or a limit of the process itself (ulimit -v, -d) ends before. UINT64_MAX where none of it is known.
std::uint64_t available_memory();

/// What a limit on addresses (ulimit -v) leaves; UINT64_MAX without one.
std::uint64_t available_addresses();

/// The same as available_memory() of the control groups alone, versions 1 and 2: the tightest of the process's own
/// group and those around it. What a group holds as cache of files counts as available, since the kernel gives it up
/// first. `process` is a folder with the files cgroup and mountinfo; mount points are looked up below `root`.
std::uint64_t available_in_groups(const std::filesystem::path& process = "/proc/self",
                                  const std::filesystem::path& root = "/");

/// A size of memory or of room on a disk in words, three digits of it: "820 KiB", "34.5 MiB", "1.32 GiB".
std::string format_bytes(double bytes);

/// From now on the allocator keeps what is freed instead of giving it back to the system. A training step allocates the
/// same large tensors again and again; fetching fresh pages for each costs a third of the time on some machines. Where
/// memory is short it does nothing.
void keep_freed_memory();

}  // namespace ganvas
