#pragma once

#include <CLI/CLI.hpp>

#include "commands/options/lpips.hpp"

namespace ganvas::cli {

/// Whoever names a network or heads wants LPIPS.
inline void add_lpips_options(CLI::App& command, LpipsRequest& lpips) {
  const auto switch_on = [&lpips](const std::string&) { lpips.on = true; };
  command.add_flag("--lpips", lpips.on, "Measure LPIPS too (v0.1, on whole pictures; smaller is better)");
  command
      .add_option("--lpips-network", lpips.network,
                  "Its feature network: file or name (default: the fetched squeezenet1_1; shipped: features)")
      ->each(switch_on);
  command.add_option("--lpips-heads", lpips.heads, "Its heads (default: the network's own, or the fetched)")
      ->each(switch_on);
}

}  // namespace ganvas::cli
