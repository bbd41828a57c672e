#include "ganvas/core/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void handle(int) {
  if (flag.exchange(true)) ::_exit(130);
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = handle;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() noexcept { return flag.load(std::memory_order_relaxed); }

void throw_if_interrupted() {
  if (interrupted()) fail(ErrorKind::interrupted, "interrupted");
}

void set_interrupted(bool value) noexcept { flag = value; }

}  // namespace ganvas
