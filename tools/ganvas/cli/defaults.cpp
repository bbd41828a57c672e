#include "cli/defaults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "cli/option_facts.hpp"

namespace ganvas::cli {

namespace {

/// No file of options is longer; devices have no end.
constexpr std::size_t longest_file = std::size_t{1} << 20;

std::string head_of(std::istream& stream) {
  std::string text(longest_file + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > longest_file) throw CLI::ConfigError("is longer than any file of options (1 MiB)");
  return text;
}

/// What CLI11 adds where a table begins and ends.
bool is_mark(const CLI::ConfigItem& item) { return item.name == "++" || item.name == "--"; }

std::string table_of(const CLI::ConfigItem& item) {
  return item.parents.empty() ? std::string() : fmt::format("[{}] ", fmt::join(item.parents, "."));
}

/// The command of a table; null: there is none of that name.
const CLI::App* command_of(const CLI::App& app, const CLI::ConfigItem& item) {
  const CLI::App* command = &app;
  for (const auto& name : item.parents) {
    const auto all = subcommands_of(*command);
    const auto found = std::ranges::find(all, name, [](const CLI::App* one) { return one->get_name(); });
    if (found == all.end()) return nullptr;
    command = *found;
  }
  return command;
}

bool has_option(const CLI::App& command, const std::string& name) {
  for (const char* dashes : {"--", "-", ""})
    if (command.get_option_no_throw(dashes + name)) return true;
  return false;
}

/// Help is for who has made a mistake, in the file too.
bool asks_for_help(const CLI::App& app) {
  if (app.get_help_ptr() && app.get_help_ptr()->count() > 0) return true;
  return std::ranges::any_of(app.get_subcommands(), [](const CLI::App* command) { return asks_for_help(*command); });
}

}  // namespace

std::vector<CLI::ConfigItem> Defaults::from_config(std::istream& stream) const {
  counted_.clear();
  if (asks_for_help(app_)) return {};
  std::istringstream text(head_of(stream));
  for (auto& item : CLI::ConfigTOML::from_config(text)) {
    const CLI::App* command = command_of(app_, item);
    if (!command) throw CLI::ConfigError(fmt::format("{}is no command's table", table_of(item)));
    if (is_mark(item)) continue;
    if (!has_option(*command, item.name))
      throw CLI::ConfigError(fmt::format("{}no such option: {}", table_of(item), item.name));
    if (command == &app_ || command->parsed()) counted_.push_back(std::move(item));
  }
  return counted_;
}

std::string Defaults::place_of(const std::string& complaint) const {
  for (const auto& item : counted_)
    if (complaint.starts_with("--" + item.name + ":"))
      for (const auto& value : item.inputs)
        if (complaint.find(value) != std::string::npos) return table_of(item);
  return {};
}

}  // namespace ganvas::cli
