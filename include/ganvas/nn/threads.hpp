#pragma once

namespace ganvas {

/// How many threads LibTorch may use from now on; 0: OMP_NUM_THREADS where it is set, else
/// all processors that this process may run on. LibTorch's own default is one thread on processors that it doesn't
/// know, so every program must call this (Upscaler and train() do). Returns the count.
int use_cpu_threads(int count);

}  // namespace ganvas
