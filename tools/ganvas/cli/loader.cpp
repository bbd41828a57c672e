#include "cli/loader.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/memory.hpp"
#include "ganvas/core/threads.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

fs::path find_library() {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  // GANVAS_LIBRARY_FOLDER: from the installed program to the installed library.
  for (const fs::path& place : {folder, folder / GANVAS_LIBRARY_FOLDER})
    if (fs::path candidate = place / GANVAS_LIBRARY_NAME; fs::exists(candidate)) return candidate.lexically_normal();
  fail(ErrorKind::file, "{} is missing: it belongs beside {} or into {}; build or install ganvas again",
       GANVAS_LIBRARY_NAME, (folder / "ganvas").string(), (folder / GANVAS_LIBRARY_FOLDER).lexically_normal().string());
}

/// OpenBLAS, OpenMP and LibTorch start a thread for every core, and where one can't be started the process hangs or
/// dies without a word: fewer from the beginning, or an error.
void fit_threads_to_limits() {
  constexpr int pipeline = 4;  // decoder, two encoders, one to spare
  const int cores = std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
  const int wanted = pipeline + 3 * (cores - 1), least = pipeline + cores - 1;
  const int startable = startable_threads(wanted);
  if (startable >= wanted) return;
  if (startable < least)
    fail(ErrorKind::memory,
         "only {} more threads can be started here, {} are needed; raise the limit (ulimit -u, or memory: ulimit -v)",
         startable, least);
  const std::string count = std::to_string(std::max(1, (startable - pipeline) / 3));
  log(LogLevel::warning, "only {} more threads can be started here; computing with {}", startable, count);
  for (const char* name : {"OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS"})
    ::setenv(name, count.c_str(), 1);
}

/// The libraries that compute take no failed allocation well: some try again for ever, some end the process.
void require_addresses(std::uint64_t bytes) {
  if (const std::uint64_t left = available_addresses(); left < bytes)
    fail(ErrorKind::memory, "the limit on memory (ulimit -v) leaves {}, {} are needed; raise it",
         format_bytes(static_cast<double>(left)), format_bytes(static_cast<double>(bytes)));
}

}  // namespace

int run_in_library(const Request& request) {
  const fs::path path = find_library();
  // Before LibTorch's first hundred thousand allocations: from large pieces of memory they are quicker, as a folder of
  // pictures will be (by an eighth).
  keep_freed_memory();
  // OpenMP reads this when it is loaded: threads that wait for others soon sleep, so that decoding and encoding get
  // their cores (a folder of pictures takes 5 % less time). The user's own wish counts more.
  ::setenv("GOMP_SPINCOUNT", "10000", 0);
  // LibTorch and its kin take some 520 MiB of addresses, little of it memory.
  constexpr std::uint64_t to_load = UINT64_C(768) << 20, to_compute = UINT64_C(256) << 20;
  require_addresses(to_load);
  fit_threads_to_limits();
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(ErrorKind::file, "{}: can't be loaded: {}", path.string(), ::dlerror());
  const auto run = reinterpret_cast<RunFunction>(::dlsym(library, run_function_name));
  if (!run) fail(ErrorKind::file, "{}: is another library than this program's: {}", path.string(), ::dlerror());
  require_addresses(to_compute);
  // Never closed: LibTorch can't be unloaded.
  return run(request, log_level(), [] { return interrupted(); });
}

}  // namespace ganvas::cli
