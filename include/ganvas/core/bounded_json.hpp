#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace ganvas {

/// JSON out of a stranger's metadata; nothing where it isn't JSON, is nested deeper than our own ever is (writing such
/// a value down again would overflow the stack), or is longer than 16 MiB.
inline std::optional<nlohmann::json> bounded_json(std::string_view text) {
  constexpr std::size_t longest = std::size_t{16} << 20;
  constexpr int deepest = 32;
  if (text.size() > longest) return std::nullopt;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') ++i;
    else if (text[i] == '"') quoted = !quoted;
    else if (!quoted && (text[i] == '[' || text[i] == '{') && ++depth > deepest) return std::nullopt;
    else if (!quoted && (text[i] == ']' || text[i] == '}')) --depth;
  }
  auto parsed = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? std::nullopt : std::optional(std::move(parsed));
}

}  // namespace ganvas
