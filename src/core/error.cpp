#include "ganvas/core/error.hpp"

namespace ganvas {

int exit_code(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::recipe:
      return 2;
    case ErrorKind::interrupted:
      return 130;
    default:
      return 1;
  }
}

}  // namespace ganvas
