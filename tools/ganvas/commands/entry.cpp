// The library's entry point; cli/loader.cpp calls it.
#include "commands/run.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/nn/failure.hpp"
#include "ganvas/nn/torchscript_network.hpp"

namespace ganvas::cli {

extern "C" int ganvas_run(const Request& request, LogLevel level, bool (*interrupted_before)()) noexcept {
  set_log_level(level);
  install_interrupt_handler();
  try {
    if (interrupted_before()) fail(ErrorKind::interrupted, "interrupted");
    return std::visit([](const auto& one) { return run(one); }, request);
  } catch (const UntrustedProgram& error) {
    log_line(LogLevel::error, fmt::format("{}; --trust runs it, as a program that may do anything", error.what()));
    return exit_code(error.kind());
  } catch (const Error& error) {
    log_line(LogLevel::error, error.what());
    return exit_code(error.kind());
  } catch (const std::exception& error) {
    log_line(LogLevel::error, failure_line(error));
  }
  return 1;
}

}  // namespace ganvas::cli
