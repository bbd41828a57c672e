#include "model_table.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace ganvas::cli {

void print_model_table(std::span<const ModelRow> models) {
  for (const auto& row : models)
    fmt::print("{:<20} {:<3} {:<14} {:>10} parameters\n", row.name, row.scale ? fmt::format("x{}", *row.scale) : "",
               row.architecture, row.parameters);
  const auto print_plugins = [](const char* title, ArchitectureKind kind) {
    fmt::print("\n{}:\n", title);
    for (const auto& plugin : architectures())
      if (plugin.kind == kind) fmt::print("{:<20} {}\n", plugin.name, plugin.summary);
  };
  print_plugins("Architectures that a model file may hold", ArchitectureKind::generator);
  print_plugins("Networks that give pictures the style of others", ArchitectureKind::style);
  print_plugins("Networks that make pictures from noise", ArchitectureKind::noise);
  print_plugins("Networks for perceptual losses and LPIPS", ArchitectureKind::features);
}

}  // namespace ganvas::cli
