#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace ganvas::cli {

/// One line on what is wrong with a command line: the missing command with those that there are, an unknown option or
/// command with the nearest known one (or what a habit of another program is called here), else CLI11's own words.
std::string complaint(const CLI::App& app, const CLI::ParseError& error);

}  // namespace ganvas::cli
