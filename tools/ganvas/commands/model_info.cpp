#include <fmt/format.h>

#include <cstdio>

#include "commands/model_facts.hpp"
#include "commands/run.hpp"
#include "ganvas/core/json_line.hpp"
#include "ganvas/core/places.hpp"

namespace ganvas::cli {

namespace {

/// Texts out of strangers' files must not command the terminal.
std::string printable(std::string text) {
  for (char& c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f) c = ' ';
  return text;
}

}  // namespace

int run(const ModelInfoRequest& request) {
  const auto text = model_facts(find_model(request.model), request.trust);
  if (request.json) {
    fmt::print("{}\n", json_line(text));
    return 0;
  }
  for (const auto& [key, value] : text.items()) {
    if (key == "metadata") {
      for (const auto& [name, entry] : value.items()) {
        std::string shown = printable(entry.get<std::string>());
        for (std::size_t at = 0; (at = shown.find('\n', at)) != std::string::npos; at += 3)
          shown.replace(at, 1, "\n  ");
        fmt::print("{:<16} {}{}\n", name, shown.find('\n') == std::string::npos ? "" : "\n  ", shown);
      }
    } else {
      fmt::print("{:<16} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return 0;
}

}  // namespace ganvas::cli
