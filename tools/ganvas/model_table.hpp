#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The table that `model list` prints, for the program and for its library.
namespace ganvas::cli {

enum class ArchitectureKind { generator, style, noise, features };

/// A plug-in of the registries of networks.
struct Architecture {
  std::string_view name, summary;
  ArchitectureKind kind = ArchitectureKind::generator;
};

/// All plug-ins, in the registries' order. The build writes this table with `list_architectures`, so that `model list`
/// can print it without loading LibTorch.
std::span<const Architecture> architectures();

/// One shipped model.
struct ModelRow {
  std::string name;
  std::optional<int> scale;  ///< of a generator
  std::string architecture;
  std::int64_t parameters = 0;
};

void print_model_table(std::span<const ModelRow> models);

}  // namespace ganvas::cli
