#pragma once

#include <filesystem>
#include <string>

namespace ganvas::cli {

/// What a model is called in outputs: its file's stem, or its folder's where the file is just "model".
inline std::string model_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  return stem == "model" ? path.parent_path().filename().string() : stem;
}

}  // namespace ganvas::cli
