// Runs during the build: prints a source that defines architectures(), from the registries of networks.
#include <fmt/format.h>

#include <cstdio>

#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/style_network.hpp"

namespace {

template <typename Plugin>
void print_entries(const ganvas::Registry<Plugin>& plugins, const char* kind) {
  for (const auto& plugin : plugins)
    fmt::print("      {{R\"text({})text\", R\"text({})text\", ArchitectureKind::{}}},\n", plugin.name, plugin.summary,
               kind);
}

}  // namespace

int main() {
  fmt::print(
      "#include \"model_table.hpp\"\n\nnamespace ganvas::cli {{\n\nstd::span<const Architecture> architectures() {{\n"
      "  static constexpr Architecture table[] = {{\n");
  print_entries(ganvas::generator_plugins(), "generator");
  print_entries(ganvas::style_network_plugins(), "style");
  print_entries(ganvas::noise_generator_plugins(), "noise");
  print_entries(ganvas::feature_plugins(), "features");
  fmt::print("  }};\n  return table;\n}}\n\n}}  // namespace ganvas::cli\n");
  return std::fflush(stdout) == 0 ? 0 : 1;
}
