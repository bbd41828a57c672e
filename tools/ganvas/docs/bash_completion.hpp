#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace ganvas::cli {

/// A script for bash that completes commands, options, their values where these are known, shipped models and files.
std::string bash_completion(const CLI::App& app);

}  // namespace ganvas::cli
