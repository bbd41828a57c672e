#pragma once

namespace ganvas {

/// From now on the first Ctrl-C (SIGINT), SIGTERM or SIGHUP only raises a flag, so that work can end cleanly; the
/// second one ends the process at once, and so does the first where nobody looks at the flag within
/// `interrupt_patience` seconds (a library that waits for ever). Signals that the caller had ignored (nohup, background
/// jobs of scripts) stay ignored. A closed pipe and a limit on file sizes show as write errors (SIGPIPE, SIGXFSZ).
/// For the thread that computes: handlers run on a stack of their own there, as some libraries' code needs it.
void install_interrupt_handler();
inline constexpr int interrupt_patience = 3;
/// Waits as long as it takes for somebody to look at the flag: for work whose end is worth it (a training's
/// checkpoint).
void wait_for_clean_end() noexcept;
/// Whether the flag is up.
bool interrupted() noexcept;
/// Throws Error(interrupted) when it is.
void throw_if_interrupted();
/// Raises or lowers the flag (for tests).
void set_interrupted(bool value) noexcept;

/// While one lives, a system call in which this thread waits (open or read of a pipe, of a file on a network) ends with
/// EINTR when the flag goes up: the caller then looks at the flag.
class InterruptibleCall {
 public:
  InterruptibleCall() noexcept;
  ~InterruptibleCall();
  InterruptibleCall(const InterruptibleCall&) = delete;
  InterruptibleCall& operator=(const InterruptibleCall&) = delete;

 private:
  int slot_;
};

}  // namespace ganvas
