#include "cli/complaint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>

#include "cli/defaults.hpp"
#include "cli/option_facts.hpp"

namespace ganvas::cli {

namespace {

/// What other programs for pictures call what is an option here.
struct Habit {
  std::string_view theirs;
  std::string_view needs;  ///< the option that a command must have for the hint to help
  std::string_view hint;
};
constexpr Habit habits[] = {
    {"--overwrite", "--force", "--force"},
    {"-y", "--force", "--force"},
    {"--yes", "--force", "--force"},
    {"--suffix", "--name", "--name '{stem}SUFFIX'"},
    {"--postfix", "--name", "--name '{stem}SUFFIX'"},
    {"--prefix", "--name", "--name 'PREFIX{stem}'"},
    {"-n", "--model", "-m for a model, --dry-run for a rehearsal"},
    {"--model-name", "--model", "--model"},
    {"--model_name", "--model", "--model"},
    {"--model-path", "--model", "--model"},
    {"--model_path", "--model", "--model"},
    {"-i", "input", "the input by itself"},
    {"--input", "input", "the input by itself"},
    {"-f", "--format", "--format"},
    {"--ext", "--format", "--format"},
    {"-g", "--device", "--device cuda:N"},
    {"--gpu", "--device", "--device cuda:N"},
    {"--gpu-id", "--device", "--device cuda:N"},
    {"--cpu", "--device", "--device cpu"},
    {"--outscale", "--scale", "--scale"},
    {"-t", "--tile", "--tile"},
    {"--tile-size", "--tile", "--tile"},
    {"--tile-pad", "--overlap", "--overlap"},
    {"--tile_pad", "--overlap", "--overlap"},
    {"-x", "--tta", "--tta"},
    {"-j", "--threads", "--threads"},
    {"--jobs", "--threads", "--threads"},
    {"--workers", "--threads", "--threads"},
    {"--fp32", "--precision", "--precision fp32"},
    {"--fp16", "--precision", "--precision bf16"},
    {"--half", "--precision", "--precision bf16"},
    {"--steps", "--set", "--set train.steps=N"},
    {"--epochs", "--set", "--set train.steps=N"},
    {"--batch", "--set", "--set train.batch=N"},
    {"--batch-size", "--set", "--set train.batch=N"},
};

/// Single letters that must be put in, left out or changed to make one of the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j)
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
  }
  return row.back();
}

/// The known name that a mistyped or shortened one most likely stands for; empty: none is near.
std::string nearest(const std::string& given, const std::vector<std::string>& known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, given.size() / 3) + 1;
  for (const auto& name : known) {
    const bool shortened = given.size() >= 4 && name.starts_with(given);
    const std::size_t far = shortened ? 1 : distance(given, name);
    if (far < best_distance && far < given.size() - 1) {
      best = name;
      best_distance = far;
    }
  }
  return best;
}

/// The command that the line came to.
const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

/// With the global ones.
std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* app = &command; app; app = app->get_parent())
    for (const auto& option : options_of(*app)) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

std::string unknown_option(const CLI::App& command, const std::string& given) {
  const std::vector<std::string> known = option_names(command);
  const auto is_known = [&](std::string_view name) { return std::ranges::find(known, name) != known.end(); };
  std::string text = fmt::format("{}: {} has no such option; ", given, full_name(command));
  const auto habit =
      std::ranges::find_if(habits, [&](const Habit& one) { return one.theirs == given && is_known(one.needs); });
  if (habit != std::end(habits)) return text + fmt::format("here it is {}", habit->hint);
  const std::string near = nearest(given, known);
  return text + (near.empty() ? fmt::format("see {} --help", full_name(command)) : fmt::format("nearest: {}", near));
}

std::vector<std::string> command_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* subcommand : subcommands_of(command)) names.push_back(subcommand->get_name());
  return names;
}

/// Where a subcommand should stand.
std::string missing_command(const CLI::App& command, const std::vector<std::string>& words) {
  const std::vector<std::string> known = command_names(command);
  const std::string there_are = fmt::format("{} has the commands {}; see {} --help", full_name(command),
                                            fmt::join(known, ", "), full_name(command));
  if (words.empty()) return "a command is missing: " + there_are;
  const std::string near = nearest(words.front(), known);
  if (near.empty()) return fmt::format("{}: no such command; {}", words.front(), there_are);
  return fmt::format("{}: {} has no such command; nearest: {}", words.front(), full_name(command), near);
}

/// Of the file of defaults, whose name is the option's own default where none was given.
std::string config_complaint(const CLI::Option& file, const std::string& message) {
  const auto given = file.reduced_results();
  return fmt::format("{}: {}", given.empty() ? file.get_default_str() : given.front(), message);
}

/// "--limit: expected a whole number above 0, not -1": CLI11 spells the largest double out, and its bounds to six
/// digits.
std::optional<std::string> out_of_range(const CLI::App& command, const std::string& message) {
  constexpr std::string_view value = ": Value ", refused = " not in range ";
  const auto at = message.find(value), end = message.rfind(refused);
  if (at == std::string::npos || end == std::string::npos || end < at) return std::nullopt;
  const std::string name = message.substr(0, at);
  for (const auto& option : options_of(command)) {
    if (std::ranges::find(option.names, name) == option.names.end() || option.range.empty()) continue;
    const std::string_view joint = option.range.find(" to ") != std::string::npos ? " from "
                                   : option.range.starts_with("above")            ? " "
                                                                                  : ", ";
    return fmt::format("{}: expected a {}{}{}, not {}", name, option.value == "N" ? "whole number" : "number", joint,
                       option.range, message.substr(at + value.size(), end - at - value.size()));
  }
  return std::nullopt;
}

/// "a is required: File or shipped name": such a name says little by itself.
std::optional<std::string> missing_positional(const CLI::App& command, const std::string& message) {
  for (const auto& option : options_of(command))
    if (option.positional && message == option.name() + " is required") return message + ": " + option.text;
  return std::nullopt;
}

}  // namespace

std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  if (const CLI::Option* file = app.get_config_ptr(); file && dynamic_cast<const CLI::ConfigError*>(&error))
    return config_complaint(*file, error.what());
  const CLI::App& command = innermost(app);
  const std::vector<std::string> words = app.remaining(/*recurse=*/true);
  if (!subcommands_of(command).empty() && (words.empty() || !words.front().starts_with('-')))
    return missing_command(command, words);
  // An unknown option before anything that is missing because of it.
  const auto option =
      std::ranges::find_if(words, [](const std::string& word) { return word.size() > 1 && word.starts_with('-'); });
  if (option != words.end())
    return unknown_option(command,
                          option->starts_with("--") ? option->substr(0, option->find('=')) : option->substr(0, 2));
  std::string message = error.what();
  if (const auto better = out_of_range(command, message)) message = *better;
  else if (const auto longer = missing_positional(command, message)) message = *longer;
  if (const auto* defaults = dynamic_cast<const Defaults*>(app.get_config_formatter().get()))
    if (const std::string place = defaults->place_of(error.what()); !place.empty())
      return config_complaint(*app.get_config_ptr(), place + message);
  return fmt::format("{}; see {} --help", message, full_name(command));
}

}  // namespace ganvas::cli
