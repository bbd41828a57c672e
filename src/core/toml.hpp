#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ganvas {

/// One value of a TOML file, as text: a list's items, or one item for anything else.
struct TomlEntry {
  std::string key;  ///< with its table, dotted
  std::vector<std::string> values;
};

/// Reads the part of TOML that recipes use: comments, [tables], bare and dotted keys, strings in "" or '', numbers,
/// booleans, dates as text, lists over one or several lines. Throws Error(recipe) with `name` and the line for anything
/// else: lists in lists, inline tables, lists of tables, strings of several lines.
std::vector<TomlEntry> read_toml(std::string_view text, const std::string& name);

}  // namespace ganvas
