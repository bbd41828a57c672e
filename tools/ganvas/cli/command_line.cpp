#include "cli/command_line.hpp"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/defaults.hpp"
#include "ganvas/core/parse_number.hpp"

namespace ganvas::cli {

namespace {

/// $XDG_CONFIG_HOME/ganvas/defaults.toml, or the one in ~/.config.
std::string defaults_file() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value ? value : "");
  };
  std::filesystem::path folder = variable("XDG_CONFIG_HOME");
  if (folder.empty() && !variable("HOME").empty()) folder = variable("HOME") / ".config";
  return folder.empty() ? std::string() : (folder / "ganvas" / "defaults.toml").string();
}

std::string complaint_if_not_finite(const std::string& word) {
  const auto value = parse_number<double>(word);
  return value && !std::isfinite(*value) ? word + " is no finite number" : std::string();
}

/// To CLI11 "nan" is a number, in any range.
void refuse_infinite_numbers(CLI::App& command) {
  for (CLI::Option* option : command.get_options())
    if (option->get_type_name().starts_with("FLOAT")) option->check(complaint_if_not_finite);
  for (CLI::App* subcommand : command.get_subcommands([](const CLI::App*) { return true; }))
    refuse_infinite_numbers(*subcommand);
}

}  // namespace

CommandLine::CommandLine() : app("Super-resolution and style transfer with GANs") {
  app.name("ganvas");
  app.set_version_flag("--version", "ganvas " GANVAS_VERSION, "Print the version and end");
  app.require_subcommand(1);
  app.add_flag("-q,--quiet", quiet, "Only warnings and errors on stderr");
  app.add_flag("-v,--verbose", verbose, "Debug lines on stderr");
  app.fallthrough();
  app.config_formatter(std::make_shared<Defaults>(app));
  app.set_config("--defaults", defaults_file(),
                 "File of options that need not be typed: TOML, a table for each command")
      ->type_name("FILE");

  add_upscale(app, action);
  add_translate(app, action);
  add_stylize(app, action);
  add_generate(app, action);
  add_train(app, action);
  add_sweep(app, action);
  add_eval(app, action);
  add_model(app, action);
  add_data(app, action);
  add_report(app, action);
  add_compare(app, action);
  refuse_infinite_numbers(app);
}

}  // namespace ganvas::cli
