#pragma once

#include <string>
#include <utility>

#include "ganvas/core/error.hpp"

namespace ganvas {

/// An error about something that the caller has set or left out. The message states the fact; whoever knows how its
/// user sets things (an option of the command line) may add what to do.
class SettingError : public Error {
 public:
  /// `setting`: a name of the library's own, e.g. "max_pixels".
  SettingError(ErrorKind kind, std::string setting, const std::string& message)
      : Error(kind, message), setting_(std::move(setting)) {}
  const std::string& setting() const noexcept { return setting_; }

 private:
  std::string setting_;
};

/// Throws SettingError with a formatted message.
template <typename... Args>
[[noreturn]] void fail_setting(ErrorKind kind, const char* setting, fmt::format_string<Args...> format,
                               Args&&... args) {
  throw SettingError(kind, setting, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws the error again, with `name` and a colon before its message.
[[noreturn]] void rethrow_named(const std::string& name, const Error& error);

}  // namespace ganvas
