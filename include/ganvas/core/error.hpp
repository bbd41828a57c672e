#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace ganvas {

/// What went wrong, as far as a caller must tell it apart.
enum class ErrorKind {
  usage,        ///< impossible or contradictory options; exit code 2
  file,         ///< a file or folder can't be read, written or understood
  model,        ///< a model file is damaged, refused or of an unknown architecture
  recipe,       ///< a training recipe is wrong
  data,         ///< training data are missing, too small or mismatched
  memory,       ///< not enough memory
  interrupted,  ///< the user asked to stop; exit code 130
  internal,     ///< a defect of ours
};

/// The one exception type of the project. The message is one line: what failed, which file or key, what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// Throws Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Process exit code of an error: 2 usage and recipe, 130 interrupted, 1 everything else.
int exit_code(ErrorKind kind) noexcept;

}  // namespace ganvas
