#pragma once

#include <CLI/CLI.hpp>

namespace ganvas::cli {

/// On what and how a network runs: a request's fields precision, device, engine and threads.
template <typename Request>
void add_machine_options(CLI::App& command, Request& request) {
  command
      .add_option("--precision", request.precision,
                  "fp32, bf16, or int8 for calibrated models; auto: the fastest that costs hardly any quality")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "int8"}));
  command.add_option("--device", request.device, "auto, cpu or cuda:N")->capture_default_str();
  command.add_option("--engine", request.engine, "auto: compiled for this CPU where that can be; libtorch: never")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "libtorch"}));
  command.add_option("--threads", request.threads, "CPU threads (default: all cores)")->check(CLI::Range(1, 1024));
}

}  // namespace ganvas::cli
