#include "infer/alone.hpp"

#include <torch/torch.h>

#include "ganvas/nn/threads.hpp"

namespace ganvas {

AloneScope::AloneScope() : before_(torch::get_num_threads()) {
  if (before_ > 1) use_cpu_threads(1);
}

AloneScope::~AloneScope() {
  if (before_ > 1) use_cpu_threads(before_);
}

void AloneScope::begin_thread() { torch::set_num_threads(1); }

}  // namespace ganvas
