#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "ganvas/format/model_file.hpp"

namespace ganvas::cli {

/// What a model file holds: architecture, configuration, parameters and metadata; of generators scale, channels,
/// receptive field and value range, of feature networks their layers. `name` stands for the file. Throws Error(model).
/// `trust`: LoadOptions.
nlohmann::ordered_json model_facts(const std::string& name, ModelFile file);
nlohmann::ordered_json model_facts(const std::filesystem::path& path, bool trust = false);

}  // namespace ganvas::cli
