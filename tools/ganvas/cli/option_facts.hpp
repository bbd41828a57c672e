#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace ganvas::cli {

/// What a declared option says of itself, for man pages, completion and complaints.
struct OptionFacts {
  std::vector<std::string> names;    ///< "-o", "--output"; one without dashes: a positional argument
  std::string value;                 ///< placeholder of its value ("N", "GLOB"); empty: a flag
  std::vector<std::string> choices;  ///< the only values, where there are some
  std::string range;                 ///< "1 to 100"; empty: any
  std::string text, fallback;        ///< help and default, which may be empty
  bool positional = false, required = false, repeated = false;

  const std::string& name() const { return names.back(); }
};

OptionFacts facts_of(const CLI::Option& option);

/// Of all options of a command, in the order of their declaration; without the global ones of its parents.
std::vector<OptionFacts> options_of(const CLI::App& command);

/// The subcommands of a command, in the order of their declaration.
std::vector<const CLI::App*> subcommands_of(const CLI::App& command);

/// "ganvas model info", with `between` between the words.
std::string full_name(const CLI::App& command, const std::string& between = " ");

}  // namespace ganvas::cli
