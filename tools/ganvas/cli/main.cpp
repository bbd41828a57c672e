#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "cli/command_line.hpp"
#include "cli/complaint.hpp"
#include "cli/literal_words.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/failure_words.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"

namespace {

using namespace ganvas;

int run(int argc, char** argv) {
  cli::CommandLine line;
  try {
    cli::parse_literally(line.app, argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return line.app.exit(success);
  } catch (const CLI::ParseError& error) {
    log_line(LogLevel::error, cli::complaint(line.app, error));
    return exit_code(ErrorKind::usage);
  }
  if (line.quiet) set_log_level(LogLevel::warning);
  else if (line.verbose) set_log_level(LogLevel::debug);
  return line.action();
}

int run_and_flush(int argc, char** argv) {
  const int code = run(argc, argv);
  // What a full disk or a closed pipe swallowed shows here at the latest.
  const bool lost = !std::cout.flush() || std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (lost) log_line(LogLevel::error, "standard output: can't write all results");
  return lost && code == 0 ? 1 : code;
}

int run_and_report(int argc, char** argv) {
  try {
    return run_and_flush(argc, argv);
  } catch (const Error& error) {
    log_line(LogLevel::error, error.what());
    return exit_code(error.kind());
  } catch (const std::exception& error) {
    log_line(LogLevel::error, failure_words(error));
  }
  return 1;
}

/// A standard stream that the caller closed would give its number to the next file that is opened, and messages would
/// go into pictures. In its place: what can be neither read as input nor written as output.
void occupy_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  install_interrupt_handler();
  const int code = run_and_report(argc, argv);
  // All is written and closed; taking LibTorch's thousands of registrations apart would be time for nothing.
  std::_Exit(code);
}
