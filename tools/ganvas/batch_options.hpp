#pragma once

#include <CLI/CLI.hpp>

#include <memory>

#include "ganvas/infer/batch.hpp"

namespace ganvas::cli {

/// The options that every folder-to-folder command shares, as the user types them.
struct BatchArguments {
  BatchOptions options;
  std::string format, shard = "1/1";
};

/// Declares them on a command.
std::shared_ptr<BatchArguments> add_batch_options(CLI::App& command);
/// Reads the texts among them. Throws Error(usage).
BatchOptions finish_batch_options(const BatchArguments& arguments);

}  // namespace ganvas::cli
