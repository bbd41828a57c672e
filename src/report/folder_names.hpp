#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ganvas {

/// A short name for each folder: its last part, with the one before where that tells equal names apart.
std::vector<std::string> names_of_folders(const std::vector<std::filesystem::path>& folders);

}  // namespace ganvas
