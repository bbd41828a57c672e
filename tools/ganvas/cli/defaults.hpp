#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace ganvas::cli {

/// Reads the file of defaults: only what it says of the command that was given counts, so that a wrong value spoils no
/// other command. Names of commands and options are checked all the same.
class Defaults final : public CLI::ConfigTOML {
 public:
  explicit Defaults(const CLI::App& app) : app_(app) {}
  std::vector<CLI::ConfigItem> from_config(std::istream& stream) const override;

  /// "[upscale] " where the file, not the command line, gave the value that a complaint such as "--scale: two is no
  /// number" is about; otherwise empty.
  std::string place_of(const std::string& complaint) const;

 private:
  const CLI::App& app_;
  mutable std::vector<CLI::ConfigItem> counted_;
};

}  // namespace ganvas::cli
