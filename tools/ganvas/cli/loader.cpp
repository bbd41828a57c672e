#include "cli/loader.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "ganvas/core/error.hpp"
#include "ganvas/core/memory.hpp"

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

}  // namespace

int run_in_library(const Request& request) {
  const fs::path path = find_library();
  // Before LibTorch's first hundred thousand allocations: from large pieces of memory they are quicker, as a folder of
  // pictures will be (by an eighth).
  keep_freed_memory();
  // OpenMP reads this when it is loaded: threads that wait for others soon sleep, so that decoding and encoding get
  // their cores (a folder of pictures takes 5 % less time). The user's own wish counts more.
  ::setenv("GOMP_SPINCOUNT", "10000", 0);
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(ErrorKind::file, "{}: can't be loaded: {}", path.string(), ::dlerror());
  const auto run = reinterpret_cast<RunFunction>(::dlsym(library, run_function_name));
  if (!run) fail(ErrorKind::file, "{}: is another library than this program's: {}", path.string(), ::dlerror());
  // Never closed: LibTorch can't be unloaded.
  return run(request, log_level());
}

}  // namespace ganvas::cli
