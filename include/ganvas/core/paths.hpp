#pragma once

#include <filesystem>

namespace ganvas {

/// Whether `path` lies in `folder` or deeper, whatever links lead there; the folder itself doesn't. Neither need exist.
bool lies_below(const std::filesystem::path& path, const std::filesystem::path& folder);

}  // namespace ganvas
