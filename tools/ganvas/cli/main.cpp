#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "cli/commands.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"

namespace {

using namespace ganvas;

int run(int argc, char** argv) {
  CLI::App app("ganvas: super-resolution and style transfer with GANs");
  app.name("ganvas");
  app.set_version_flag("--version", "ganvas " GANVAS_VERSION);
  app.require_subcommand(1);
  bool quiet = false, verbose = false;
  app.add_flag("-q,--quiet", quiet, "Only warnings and errors on stderr");
  app.add_flag("-v,--verbose", verbose, "Debug lines on stderr");
  app.fallthrough();

  cli::Action action;
  cli::add_upscale(app, action);
  cli::add_translate(app, action);
  cli::add_train(app, action);
  cli::add_eval(app, action);
  cli::add_model(app, action);
  cli::add_data(app, action);
  cli::add_report(app, action);
  cli::add_compare(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    log_line(LogLevel::error, error.what() + std::string("; see ganvas --help"));
    return exit_code(ErrorKind::usage);
  }
  if (quiet) set_log_level(LogLevel::warning);
  else if (verbose) set_log_level(LogLevel::debug);
  return action();
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
    log_line(LogLevel::error, error.what());
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
