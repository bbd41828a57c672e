#pragma once

#include <filesystem>

#include "ganvas/core/error.hpp"

namespace ganvas::cli {

/// Throws Error(usage) where a command would replace the file that it reads.
inline void require_other_file(const std::filesystem::path& in, const std::filesystem::path& out) {
  std::error_code unknown;
  if (std::filesystem::equivalent(in, out, unknown))
    fail(ErrorKind::usage, "-o {}: is the input itself; name another file", out.string());
}

}  // namespace ganvas::cli
