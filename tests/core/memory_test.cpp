#include "ganvas/core/memory.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "ganvas/core/threads.hpp"
#include "ganvas/core/vector_clones.hpp"
#include "support/support.hpp"

using namespace ganvas;
namespace fs = std::filesystem;

namespace {

void put(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

struct Machine {
  test::TemporaryFolder folder;
  void file(const std::string& name, const std::string& text) const { put(folder / name, text); }
  std::uint64_t available() const { return available_in_groups(folder / "process", folder.path()); }
};

/// The shadow memory of sanitisers takes all addresses, whatever the limit.
bool can_limit_addresses() {
#ifdef GANVAS_SANITISED
  std::printf("[skipped] sanitisers need addresses without a limit\n");
  return false;
#else
  return true;
#endif
}

}  // namespace

TEST_CASE("memory of control groups, version 2: the tightest group counts, cached files are free") {
  const Machine machine;
  CHECK(machine.available() == UINT64_MAX);
  machine.file("process/cgroup", "0::/slurm/job\n");
  machine.file("process/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  CHECK(machine.available() == UINT64_MAX);
  machine.file("sys/fs/cgroup/slurm/memory.max", "1000000\n");
  machine.file("sys/fs/cgroup/slurm/memory.current", "990000\n");
  CHECK(machine.available() == 10000);
  machine.file("sys/fs/cgroup/slurm/memory.stat",
               "anon 5000\nfile 900000\ninactive_anon 10\nactive_anon 10\ninactive_file 600000\nactive_file 300000\n");
  CHECK(machine.available() == 910000);
  machine.file("sys/fs/cgroup/slurm/job/memory.max", "max\n");
  machine.file("sys/fs/cgroup/slurm/job/memory.current", "400000\n");
  CHECK(machine.available() == 910000);
  machine.file("sys/fs/cgroup/slurm/job/memory.high", "500000\n");
  CHECK(machine.available() == 100000);
  machine.file("sys/fs/cgroup/slurm/job/memory.current", "600000\n");
  CHECK(machine.available() == 0);
}

TEST_CASE("memory of control groups, version 2 in a container: its own group is the mount's root") {
  const Machine machine;
  machine.file("process/cgroup", "0::/\n");
  machine.file("process/mountinfo", "30 23 0:26 /../../x /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  machine.file("sys/fs/cgroup/memory.max", "500");
  machine.file("sys/fs/cgroup/memory.current", "200");
  CHECK(machine.available() == 300);
  // Another view of the tree than the process's.
  machine.file("process/cgroup", "0::/docker/abc/inner\n");
  machine.file("process/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  CHECK(machine.available() == 300);
  machine.file("sys/fs/cgroup/inner/memory.max", "100");
  machine.file("sys/fs/cgroup/inner/memory.current", "50");
  CHECK(machine.available() == 50);
  machine.file("process/cgroup", "0::/../elsewhere\n");
  CHECK(machine.available() == 300);
}

TEST_CASE("memory of control groups, version 1: the memory controller's own mount") {
  const Machine machine;
  machine.file("process/cgroup", "9:name=systemd:/\n4:cpu,memory:/batch/1\n3:cpuset:/x\n0::/\n");
  machine.file("process/mountinfo",
               "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
               "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,cpu,memory\n"
               "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  const std::string memory = "sys/fs/cgroup/memory/";
  machine.file(memory + "memory.limit_in_bytes", "9223372036854771712\n");
  machine.file(memory + "memory.usage_in_bytes", "5000000\n");
  CHECK(machine.available() == 9223372036854771712ULL - 5000000);
  machine.file(memory + "batch/memory.limit_in_bytes", "400000\n");
  machine.file(memory + "batch/memory.usage_in_bytes", "300000\n");
  machine.file(memory + "batch/memory.stat", "inactive_file 1\ntotal_inactive_file 50000\ntotal_active_file 20000\n");
  CHECK(machine.available() == 170000);
}

TEST_CASE("sizes in words: three digits, in the unit that has room for them") {
  const std::pair<double, const char*> sizes[] = {{0, "0 bytes"},
                                                  {999, "999 bytes"},
                                                  {1000, "0.98 KiB"},
                                                  {1024, "1.00 KiB"},
                                                  {30.0 * 1024 * 1024, "30.0 MiB"},
                                                  {999.4 * 1024 * 1024, "999 MiB"},
                                                  {1000.0 * 1024 * 1024, "0.98 GiB"},
                                                  {9.996 * 1024 * 1024 * 1024, "10.0 GiB"},
                                                  {99.96 * 1024, "100 KiB"},
                                                  {3e15, "2.66 PiB"},
                                                  {18446744073709551615.0, "16.0 EiB"}};
  for (const auto& [bytes, words] : sizes) CHECK(format_bytes(bytes) == words);
}

TEST_CASE("a limit of addresses counts as memory") {
  if (!can_limit_addresses()) return;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = UINT64_C(3) << 30;
    ::setrlimit(RLIMIT_AS, &limit);
    const std::uint64_t available = available_memory();
    ::_exit(available > 0 && available < limit.rlim_cur && available_addresses() >= available ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("threads: as many as can be started") {
  CHECK(startable_threads(7) == 7);
  CHECK(startable_threads(0) == 0);
  if (!can_limit_addresses()) return;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Room for some stacks, not for a thousand.
    const rlimit limit{UINT64_C(1) << 30, UINT64_C(1) << 30};
    ::setrlimit(RLIMIT_AS, &limit);
    const int count = startable_threads(1000);
    ::_exit(count > 0 && count < 1000 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
