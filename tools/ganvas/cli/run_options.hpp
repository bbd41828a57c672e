#pragma once

#include <CLI/CLI.hpp>

#include "ganvas/infer/options.hpp"

namespace ganvas::cli {

/// On what and how a network runs.
inline void add_run_options(CLI::App& command, RunOptions& options) {
  command
      .add_option("--precision", options.precision,
                  "fp32, bf16, or int8 for calibrated models; auto: the fastest that costs hardly any quality")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "int8"}));
  command.add_option("--device", options.device, "auto, cpu or cuda:N")->capture_default_str();
  command.add_option("--engine", options.engine, "auto: compiled for this CPU where that can be; libtorch: never")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "libtorch"}));
  command.add_option("--threads", options.threads, "CPU threads (default: all cores)")->check(CLI::Range(1, 1024));
}

}  // namespace ganvas::cli
