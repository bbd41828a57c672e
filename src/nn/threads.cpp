#include "ganvas/nn/threads.hpp"

#include <dlfcn.h>
#include <sched.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace ganvas {

namespace {

int available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

int use_cpu_threads(int count) {
  if (count <= 0) {
    const char* wish = std::getenv("OMP_NUM_THREADS");
    count = wish ? std::atoi(wish) : 0;
  }
  if (count <= 0) count = available_processors();
  torch::set_num_threads(count);
  // OpenBLAS behind LibTorch has threads of its own, which otherwise follow the environment.
  using SetThreads = void (*)(int);
  if (const auto set_blas = reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set_blas(count);
  return count;
}

}  // namespace ganvas
