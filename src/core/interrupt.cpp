#include "ganvas/core/interrupt.hpp"

#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <memory>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

std::atomic<bool> flag{false};
/// Somebody saw the flag up: the work will end by itself, however long that takes.
std::atomic<bool> noticed{false};
std::atomic<bool> patient{false};
/// Threads that may wait in a system call; 0: free.
std::array<std::atomic<pthread_t>, 16> waiting{};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<pthread_t>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

/// What wakes a waiting thread: a signal that does nothing else, and after which no call is begun anew.
constexpr int wake_signal = SIGURG;
/// A tenth of a second after the first signal, then twice a second, until somebody looks at the flag.
constexpr itimerval ticking{{0, 500'000}, {0, 100'000}}, silent{};
std::atomic<int> ticks{0};

void wake_waiting_threads() {
  for (const auto& slot : waiting)
    if (const pthread_t thread = slot.load()) ::pthread_kill(thread, wake_signal);
}

void handle(int) {
  if (flag.exchange(true)) ::_exit(130);
  noticed = false;
  ticks = 0;
  wake_waiting_threads();
  ::setitimer(ITIMER_REAL, &ticking, nullptr);
}

/// A thread that began to wait just after the first wake is woken again.
void handle_alarm(int) {
  if (!flag) return;
  if (!noticed && !patient && ++ticks > 2 * interrupt_patience) ::_exit(130);
  wake_waiting_threads();
}

/// Where handlers of this thread put what they need. On the stack it would land among a picture's values: code that
/// oneDNN writes for matrix products keeps the stack pointer in a buffer of its own while it works.
class HandlerStack {
 public:
  HandlerStack() {
    stack_t now{};
    if (::sigaltstack(nullptr, &now) != 0 || !(now.ss_flags & SS_DISABLE)) return;  // a sanitiser's
    const std::size_t size = std::max(std::size_t{64} << 10, static_cast<std::size_t>(SIGSTKSZ));
    memory_ = std::make_unique<std::byte[]>(size);
    const stack_t own{memory_.get(), 0, size};
    if (::sigaltstack(&own, nullptr) != 0) memory_.reset();
  }
  ~HandlerStack() {
    constexpr stack_t none{nullptr, SS_DISABLE, 0};
    if (memory_) ::sigaltstack(&none, nullptr);
  }
  HandlerStack(const HandlerStack&) = delete;
  HandlerStack& operator=(const HandlerStack&) = delete;

 private:
  std::unique_ptr<std::byte[]> memory_;
};

void handle_aside() { thread_local const HandlerStack stack; }

void set_handler(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = flags | SA_ONSTACK;
  ::sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

void install_interrupt_handler() {
  handle_aside();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    if (!is_ignored(signal)) set_handler(signal, handle, SA_RESTART);
  // Begun anew after the first signal, a call in which this very thread waits ends with the alarm.
  set_handler(SIGALRM, handle_alarm, 0);
  set_handler(
      wake_signal, [](int) {}, 0);
  for (const int signal : {SIGPIPE, SIGXFSZ}) set_handler(signal, SIG_IGN, 0);
}

void wait_for_clean_end() noexcept { patient = true; }

bool interrupted() noexcept {
  if (!flag.load(std::memory_order_relaxed)) return false;
  noticed.store(true, std::memory_order_relaxed);
  return true;
}

void throw_if_interrupted() {
  if (interrupted()) fail(ErrorKind::interrupted, "interrupted");
}

void set_interrupted(bool value) noexcept {
  flag = value;
  if (!value) ::setitimer(ITIMER_REAL, &silent, nullptr);
}

InterruptibleCall::InterruptibleCall() noexcept : slot_(-1) {
  handle_aside();
  for (std::size_t i = 0; i < waiting.size() && slot_ < 0; ++i) {
    pthread_t free = 0;
    if (waiting[i].compare_exchange_strong(free, ::pthread_self())) slot_ = static_cast<int>(i);
  }
}

InterruptibleCall::~InterruptibleCall() {
  if (slot_ >= 0) waiting[static_cast<std::size_t>(slot_)] = 0;
}

}  // namespace ganvas
