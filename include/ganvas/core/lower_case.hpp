#pragma once

#include <string>

namespace ganvas {

/// A to Z in lower case; all other bytes, those of UTF-8 too, as they are, whatever the locale.
inline char lower_case(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}
inline std::string lower_case(std::string text) {
  for (char& letter : text) letter = lower_case(letter);
  return text;
}

}  // namespace ganvas
