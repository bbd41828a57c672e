#pragma once

#include <CLI/CLI.hpp>

#include <memory>

#include "commands/options/batch.hpp"

namespace ganvas::cli {

/// The options that every folder-to-folder command shares, as the user types them.
struct BatchArguments {
  BatchRequest request;
  std::string shard = "1/1";
};

/// Declares them on a command.
std::shared_ptr<BatchArguments> add_batch_options(CLI::App& command);
/// Reads the texts among them and looks for contradictions. Throws Error(usage).
BatchRequest finish_batch_options(const BatchArguments& arguments);

}  // namespace ganvas::cli
