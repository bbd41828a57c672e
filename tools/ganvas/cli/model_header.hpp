#pragma once

#include <filesystem>
#include <optional>

#include "model_table.hpp"

namespace ganvas::cli {

/// What the header of a safetensors file tells of a model that ganvas saved, without reading weights or building the
/// network. Empty where anything is missing or odd: then the file must be loaded, which will say what is wrong with it.
std::optional<ModelRow> row_from_header(const std::string& name, const std::filesystem::path& path);

}  // namespace ganvas::cli
