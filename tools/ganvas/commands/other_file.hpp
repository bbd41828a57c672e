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

/// Throws Error(usage) where a command would replace a file without being told to.
inline void require_free(const std::filesystem::path& out, bool force) {
  if (!force && std::filesystem::exists(out))
    fail(ErrorKind::usage, "{}: is there already; name another file, or give --force to replace it", out.string());
}

}  // namespace ganvas::cli
