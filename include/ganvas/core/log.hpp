#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace ganvas {

enum class LogLevel { debug, info, warning, error };

/// Messages below this level are not printed; info by default.
void set_log_level(LogLevel level);
LogLevel log_level();

/// One line on stderr, safe from any thread; a progress bar on the terminal is cleared and redrawn around it.
/// Line breaks and control characters inside the message become spaces: one message, one line.
void log_line(LogLevel level, std::string_view message);

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (level >= log_level()) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ganvas
