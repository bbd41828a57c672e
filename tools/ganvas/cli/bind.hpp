#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ganvas/imaging/format_name.hpp"

/// Options whose text is no plain number or name, bound to the field that they fill. The field's value at that moment
/// is the default that help shows.
namespace ganvas::cli {

/// One of several names, each standing for a value.
template <typename Value>
CLI::Option* add_choice(CLI::App& command, const std::string& name, Value& field, const std::string& text,
                        const std::vector<std::pair<std::string, Value>>& choices) {
  std::vector<std::string> names;
  std::string given;
  for (const auto& [choice, value] : choices) {
    names.push_back(choice);
    if (value == field) given = choice;
  }
  const auto store = [&field, choices](const std::string& chosen) {
    for (const auto& [choice, value] : choices)
      if (choice == chosen) field = value;
  };
  return command.add_option_function<std::string>(name, store, text)->check(CLI::IsMember(names))->default_str(given);
}

/// "--tile": auto (0) or a side of 16 to 65536 pixels. Throws Error(usage) while parsing.
CLI::Option* add_tile(CLI::App& command, int& field, const std::string& text);

/// "--format": a picture format by name, or "y4m", which sets `film`. Throws Error(usage) while parsing.
CLI::Option* add_format(CLI::App& command, std::optional<Format>& field, bool& film, const std::string& text);

}  // namespace ganvas::cli
