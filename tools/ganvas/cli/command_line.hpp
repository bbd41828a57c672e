#pragma once

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"

namespace ganvas::cli {

/// The whole command line: every subcommand with its options. Parsing stores what to run.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  CLI::App app;
  Action action;
  bool quiet = false, verbose = false;
};

}  // namespace ganvas::cli
