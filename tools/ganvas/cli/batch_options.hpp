#pragma once

#include <CLI/CLI.hpp>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

/// Declares what every folder-to-folder command shares, bound to the fields of `options`.
void add_batch_options(CLI::App& command, BatchOptions& options);
/// Looks for contradictions. Throws Error(usage).
void check_batch_options(const BatchOptions& options);

}  // namespace ganvas::cli
