#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "ganvas/core/setting_error.hpp"

/// The libraries' errors state facts about settings; a command knows the options by which its user sets them.
namespace ganvas::cli {

struct Hint {
  std::string_view setting;  ///< see SettingError
  std::string_view advice;   ///< to stand behind the message
};
using Hints = std::initializer_list<Hint>;

/// The error's message, with the advice on its setting where there is one.
inline std::string with_hint(const Error& error, Hints hints) {
  const auto* about = dynamic_cast<const SettingError*>(&error);
  for (const auto& [setting, advice] : hints)
    if (about && about->setting() == setting) return fmt::format("{}; {}", error.what(), advice);
  return error.what();
}

/// Does the work; its errors leave with the advice.
template <typename Work>
auto hinted(Hints hints, const Work& work) {
  try {
    return work();
  } catch (const SettingError& error) {
    throw Error(error.kind(), with_hint(error, hints));
  }
}

}  // namespace ganvas::cli
