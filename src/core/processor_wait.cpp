#include "ganvas/core/processor_wait.hpp"

#include <fstream>

namespace ganvas {

double seconds_without_processor() {
  std::ifstream file("/proc/thread-self/schedstat");
  double running = 0, waiting = 0;  // nanoseconds
  return file >> running >> waiting ? waiting * 1e-9 : 0;
}

}  // namespace ganvas
