#include "model_table.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace ganvas::cli {

void print_model_table(std::span<const ModelRow> models) {
  for (const auto& row : models)
    fmt::print("{:<20} {:<3} {:<14} {:>10} parameters\n", row.name, row.scale ? fmt::format("x{}", *row.scale) : "",
               row.architecture, row.parameters);
  const auto print_plugins = [](const char* title, bool features) {
    fmt::print("\n{}:\n", title);
    for (const auto& plugin : architectures())
      if (plugin.features == features) fmt::print("{:<20} {}\n", plugin.name, plugin.summary);
  };
  print_plugins("Architectures that a model file may hold", false);
  print_plugins("Networks for perceptual losses and LPIPS", true);
}

}  // namespace ganvas::cli
