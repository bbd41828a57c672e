#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace ganvas::cli {

/// The man page of a command (section 1, the man(7) macros of roff), from what its options say of themselves.
std::string man_page(const CLI::App& command, const std::string& version);

}  // namespace ganvas::cli
