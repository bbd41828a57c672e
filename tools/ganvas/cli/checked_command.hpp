#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

#include "cli/commands.hpp"
#include "cli/loader.hpp"

namespace ganvas::cli {

/// A subcommand that hands its request to the library of commands once `check(*request)` finds nothing wrong with it:
/// names and numbers that show at once.
template <typename Request, typename Check>
CLI::App* add_checked(CLI::App& parent, Action& action, const std::string& name, const std::string& text,
                      const std::shared_ptr<Request>& request, Check check) {
  CLI::App* command = parent.add_subcommand(name, text);
  command->callback([request, check, &action] {
    action = [request, check] {
      check(*request);
      return run_in_library(*request);
    };
  });
  return command;
}

}  // namespace ganvas::cli
