#include "engine/export/script_writer.hpp"

#include <fmt/format.h>

namespace ganvas::engine {

std::string ScriptWriter::number(double value) { return fmt::format("{:.17g}", value); }

std::string ScriptWriter::call(const std::string& function, const Names& arguments) {
  return fmt::format("{}({})", function, fmt::join(arguments, ", "));
}

std::string ScriptWriter::list(const Names& items) { return fmt::format("[{}]", fmt::join(items, ", ")); }

std::string ScriptWriter::list(std::initializer_list<int> items) { return fmt::format("[{}]", fmt::join(items, ", ")); }

std::string ScriptWriter::scaled(const std::string& x, double factor) {
  return factor == 1 ? x : x + " * " + number(factor);
}

}  // namespace ganvas::engine
