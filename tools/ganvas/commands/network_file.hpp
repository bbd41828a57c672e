#pragma once

#include <filesystem>
#include <string>

namespace ganvas::cli {

/// A feature network, or heads for one: a file as given, or a shipped or fetched one by name. Throws Error(usage) with
/// the command that fetches it.
std::filesystem::path find_network_file(const std::string& given);

}  // namespace ganvas::cli
