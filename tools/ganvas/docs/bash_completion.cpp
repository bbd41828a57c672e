#include "docs/bash_completion.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/option_facts.hpp"

namespace ganvas::cli {

namespace {

std::vector<const CLI::App*> all_commands(const CLI::App& app) {
  std::vector<const CLI::App*> all{&app};
  for (const CLI::App* subcommand : subcommands_of(app))
    for (const CLI::App* one : all_commands(*subcommand)) all.push_back(one);
  return all;
}

/// Where a shipped model's name may stand.
bool takes_model(const OptionFacts& option) {
  return option.name() == "--model" || (option.positional && (option.name() == "model" || option.name() == "a" ||
                                                              option.name() == "b" || option.name() == "in"));
}

/// The words that may follow the command: its commands or options, and the global options.
std::string words_of(const CLI::App& command) {
  std::vector<std::string> words;
  for (const CLI::App* one : subcommands_of(command)) words.push_back(one->get_name());
  for (const CLI::App* app = &command; app; app = app->get_parent())
    for (const auto& option : options_of(*app))
      if (!option.positional && std::ranges::find(words, option.name()) == words.end()) words.push_back(option.name());
  return fmt::format("{}", fmt::join(words, " "));
}

std::string case_of(const CLI::App& command, const OptionFacts& option, const std::string& reply) {
  std::string patterns;
  for (const auto& name : option.names)
    patterns += fmt::format("{}\"{}:{}\"", patterns.empty() ? "" : "|", full_name(command), name);
  return fmt::format("    {}) {} ;;\n", patterns, reply);
}

/// What completes the value of an option; nothing stands for files.
std::string values(const std::vector<const CLI::App*>& commands) {
  std::string text;
  for (const CLI::App* command : commands)
    for (const auto& option : options_of(*command)) {
      if (option.positional || option.value.empty()) continue;
      if (takes_model(option)) text += case_of(*command, option, "_ganvas_models; return");
      else if (!option.choices.empty())
        text += case_of(*command, option, fmt::format("_ganvas_words \"{}\"; return", fmt::join(option.choices, " ")));
      else text += case_of(*command, option, "return");
    }
  return text;
}

/// A word that isn't an option: a subcommand, a shipped model, or a file (bash's own).
std::string arguments(const std::vector<const CLI::App*>& commands) {
  std::string text;
  for (const CLI::App* command : commands) {
    if (!subcommands_of(*command).empty())
      text += fmt::format("    \"{}\") _ganvas_words \"{}\" ;;\n", full_name(*command), words_of(*command));
    else if (std::ranges::any_of(options_of(*command),
                                 [](const auto& option) { return option.positional && takes_model(option); }))
      text += fmt::format("    \"{}\") _ganvas_models ;;\n", full_name(*command));
  }
  return text;
}

std::string options(const std::vector<const CLI::App*>& commands) {
  std::string text;
  for (const CLI::App* command : commands)
    text += fmt::format("      \"{}\") _ganvas_words \"{}\" ;;\n", full_name(*command), words_of(*command));
  return text;
}

std::string command_patterns(const std::vector<const CLI::App*>& commands) {
  std::string text;
  for (const CLI::App* command : commands)
    if (command->get_parent()) text += fmt::format("{}\"{}\"", text.empty() ? "" : "|", full_name(*command));
  return text;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  const auto commands = all_commands(app);
  return fmt::format(
      R"bash(# bash completion for ganvas; written by the build from the command's own options

_ganvas_words() {{ COMPREPLY=($(compgen -W "$1" -- "$current")); }}

# The names of the first table of model list, or files.
_ganvas_models() {{
  COMPREPLY=($(compgen -W "$("${{COMP_WORDS[0]}}" model list 2>/dev/null | sed '/^$/,$d; s/ .*//')" -- "$current")
             $(compgen -f -- "$current"))
}}

_ganvas() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command=ganvas i
  COMPREPLY=()
  # --option=value comes in three words.
  if [[ $current == = ]]; then current=
  elif [[ $previous == = ]]; then previous=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command ${{COMP_WORDS[i]}}" in
      {}) command+=" ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$command:$previous" in
{}  esac
  if [[ $current == -* ]]; then
    case "$command" in
{}    esac
    return
  fi
  case "$command" in
{}  esac
}}

complete -o bashdefault -o default -F _ganvas ganvas
)bash",
      command_patterns(commands), values(commands), options(commands), arguments(commands));
}

}  // namespace ganvas::cli
