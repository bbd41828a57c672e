#pragma once

#include <CLI/CLI.hpp>

namespace ganvas::cli {

/// Parses the command line with every word taken as it is. CLI11 would take "[a,b]" for a list and "[2024]", a folder,
/// for 2024.
void parse_literally(CLI::App& app, int argc, char** argv);

}  // namespace ganvas::cli
