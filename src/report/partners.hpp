#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ganvas {

/// The pictures of a folder (by their names), or the one file.
std::vector<std::filesystem::path> pictures_in(const std::filesystem::path& place);

/// Among `files` the one with the reference's stem, or else the only one whose stem goes on behind it with a character
/// that is neither letter nor digit. Throws Error(data) that names the reference and `folder`.
std::filesystem::path partner_in(const std::vector<std::filesystem::path>& files,
                                 const std::filesystem::path& reference, const std::filesystem::path& folder);

/// A short name for each folder: its last part, with the one before where that tells equal names apart.
std::vector<std::string> names_of_folders(const std::vector<std::filesystem::path>& folders);

}  // namespace ganvas
