#pragma once

#include <filesystem>
#include <string>

namespace ganvas {

/// Where the generator of the other direction (A from B) is kept: model.safetensors -> model-reverse.safetensors.
inline std::filesystem::path reverse_model(const std::filesystem::path& path) {
  return path.parent_path() / (path.stem().string() + "-reverse" + path.extension().string());
}

}  // namespace ganvas
