#include "cli/option_facts.hpp"

#include <sstream>

namespace ganvas::cli {

namespace {

/// What CLI11 calls types, as readers of man pages know them.
std::string placeholder(const std::string& type) {
  if (type == "INT" || type == "UINT") return "N";
  if (type == "FLOAT") return "X";
  return type;
}

/// "{a,b}" -> a, b.
std::vector<std::string> choices_in(const std::string& text) {
  std::vector<std::string> choices;
  if (!text.starts_with('{') || !text.ends_with('}')) return choices;
  std::istringstream stream(text.substr(1, text.size() - 2));
  for (std::string choice; std::getline(stream, choice, ',');) choices.push_back(choice);
  return choices;
}

/// "INT in [1 - 100]" -> "1 to 100".
std::string range_in(const std::string& text) {
  if (text == "POSITIVE") return "above 0";
  if (text == "NONNEGATIVE") return "0 or more";
  const auto open = text.find('['), dash = text.find(" - "), close = text.find(']');
  if (open == std::string::npos || dash == std::string::npos || close == std::string::npos) return {};
  return text.substr(open + 1, dash - open - 1) + " to " + text.substr(dash + 3, close - dash - 3);
}

}  // namespace

OptionFacts facts_of(const CLI::Option& option) {
  OptionFacts facts;
  for (const auto& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) facts.names.push_back("--" + name);
  facts.positional = facts.names.empty();
  if (facts.positional) facts.names.push_back(option.get_name(/*positional=*/true));
  facts.text = option.get_description();
  facts.required = option.get_required();
  facts.repeated = option.get_items_expected_max() > 1;
  if (option.get_items_expected_max() == 0) return facts;
  const std::string type = option.get_type_name();  // "TEXT:{a,b}"
  const auto colon = type.find(':');
  facts.value = placeholder(type.substr(0, colon));
  if (colon != std::string::npos) {
    facts.choices = choices_in(type.substr(colon + 1));
    facts.range = range_in(type.substr(colon + 1));
  }
  facts.fallback = option.get_default_str();
  return facts;
}

std::vector<OptionFacts> options_of(const CLI::App& command) {
  std::vector<OptionFacts> all;
  for (const CLI::Option* option : command.get_options()) all.push_back(facts_of(*option));
  return all;
}

std::vector<const CLI::App*> subcommands_of(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

std::string full_name(const CLI::App& command, const std::string& between) {
  if (!command.get_parent()) return command.get_name();
  return full_name(*command.get_parent(), between) + between + command.get_name();
}

}  // namespace ganvas::cli
