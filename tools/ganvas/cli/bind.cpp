#include "cli/bind.hpp"

#include "ganvas/core/error.hpp"
#include "ganvas/core/parse_number.hpp"

namespace ganvas::cli {

CLI::Option* add_tile(CLI::App& command, int& field, const std::string& text) {
  const auto store = [&field](const std::string& given) {
    const int side = parse_number<int>(given).value_or(0);
    const bool number = side >= 16 && side <= 65536;
    if (!number && given != "auto") fail(ErrorKind::usage, "--tile {}: expected auto or 16 .. 65536", given);
    field = number ? side : 0;
  };
  return command.add_option_function<std::string>("--tile", store, text)->default_str("auto");
}

CLI::Option* add_format(CLI::App& command, std::optional<Format>& field, bool& film, const std::string& text) {
  const auto store = [&field, &film](const std::string& given) {
    field = format_from_name(given);
    film = given == "y4m";
    if (!field && !film) fail(ErrorKind::usage, "--format {}: expected {}; y4m makes a film", given, format_choices());
  };
  std::string names;
  for (const FormatName& row : format_names) names += std::string(row.name) + ",";
  return command.add_option_function<std::string>("--format", store, text)->type_name("TEXT:{" + names + "y4m}");
}

}  // namespace ganvas::cli
