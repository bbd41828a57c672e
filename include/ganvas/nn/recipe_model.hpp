#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "ganvas/core/recipe.hpp"

namespace ganvas {

/// A model file by shipped name or path; throws Error where there is none.
using FindModel = std::function<std::filesystem::path(const std::string&)>;

/// The file that `key` of a recipe names. Throws Error(recipe) with recipe, key and the command that fetches a
/// published file of this name.
std::filesystem::path recipe_model(const FindModel& find_model, const Recipe& recipe, const std::string& key,
                                   const std::string& name);

}  // namespace ganvas
