#pragma once

#include <string>

#include "ganvas/core/error.hpp"

namespace ganvas::cli {

/// "auto" (0) or a side in pixels. Throws Error(usage).
inline int tile_side(const std::string& text) {
  if (text == "auto") return 0;
  int side = 0;
  std::size_t used = 0;
  try {
    side = std::stoi(text, &used);
  } catch (const std::exception&) {
  }
  if (used != text.size() || side < 16 || side > 65536)
    fail(ErrorKind::usage, "--tile {}: expected auto or 16 .. 65536", text);
  return side;
}

}  // namespace ganvas::cli
