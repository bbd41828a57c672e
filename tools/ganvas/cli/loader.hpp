#pragma once

#include "commands/options/request.hpp"

namespace ganvas::cli {

/// Loads the library of commands, which is beside the program (build tree) or in the installation's library folder, and
/// lets it do the work. Gives the exit code. Throws Error(file) when it is missing or can't be loaded.
int run_in_library(const Request& request);

}  // namespace ganvas::cli
