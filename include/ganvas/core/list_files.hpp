#pragma once

#include <filesystem>
#include <functional>
#include <vector>

namespace ganvas {

/// As list_files() in files.hpp, but folders for which `enters` is false are passed over.
std::vector<std::filesystem::path> list_files(const std::filesystem::path& folder, bool recursive,
                                              std::vector<std::filesystem::path>* unlisted,
                                              const std::function<bool(const std::filesystem::path&)>& enters);

}  // namespace ganvas
