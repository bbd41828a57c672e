#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ganvas {

/// Where shipped models and recipes may lie, best first: $GANVAS_MODELS, beside the build (../models), installed
/// (../share/ganvas/models), the user's cache.
std::vector<std::filesystem::path> model_folders();

/// A file as given, or a shipped recipe by name. Throws Error(usage) that lists the shipped ones.
std::filesystem::path find_recipe(const std::string& name);

/// A file as given, the network in the folder of a training run, a shipped model by name, or a fetched one by its
/// file's stem, with or without the digits of a hash at its end (vgg19-dcbb9e9d). Throws Error(usage) that lists the
/// shipped ones.
std::filesystem::path find_model(const std::string& name);

/// Whether a name says where a file is, so that it can't be a shipped or published model's.
bool is_path(const std::string& name);

/// Where the generator of the other direction (A from B) is kept: model.safetensors -> model-reverse.safetensors.
std::filesystem::path reverse_model(const std::filesystem::path& path);

/// Names of the shipped models, sorted.
std::vector<std::string> shipped_models();

}  // namespace ganvas
