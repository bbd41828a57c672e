#include "ganvas/nn/recipe_model.hpp"

#include "ganvas/core/error.hpp"
#include "ganvas/core/places.hpp"
#include "ganvas/nn/feature_network.hpp"

namespace ganvas {

std::filesystem::path recipe_model(const FindModel& find_model, const Recipe& recipe, const std::string& key,
                                   const std::string& name) {
  try {
    return find_model(name);
  } catch (const Error& error) {
    if (is_path(name)) fail(ErrorKind::recipe, "{}: {}: {}", recipe.name(), key, error.what());
    fail(ErrorKind::recipe, "{}: {}: no file or model '{}' here; a published one comes by: ganvas model fetch {}",
         recipe.name(), key, name, fetch_name(name));
  }
}

}  // namespace ganvas
