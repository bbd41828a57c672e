#include "nn/config.hpp"

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/core/recipe.hpp"

namespace ganvas {

namespace {

int bounded(const nlohmann::json& config, const char* key, int fallback, int low) {
  if (!config.contains(key)) return fallback;
  const auto& value = config.at(key);
  // The bound keeps hostile files from asking for layers that no machine can hold.
  if (!value.is_number_integer() || value < low || value > 65536)
    fail(ErrorKind::recipe, "{}: {} is not a whole number of {} .. 65536", key, value.dump(), low);
  return value.get<int>();
}

}  // namespace

int positive(const nlohmann::json& config, const char* key, int fallback) { return bounded(config, key, fallback, 1); }

int whole(const nlohmann::json& config, const char* key, int fallback) { return bounded(config, key, fallback, 0); }

bool truth(const nlohmann::json& config, const char* key, bool fallback) {
  if (!config.contains(key)) return fallback;
  const auto& value = config.at(key);
  if (!value.is_boolean()) fail(ErrorKind::recipe, "{}: {} is not true or false", key, value.dump());
  return value.get<bool>();
}

std::string word(const nlohmann::json& config, const char* key, const std::string& fallback) {
  if (!config.contains(key)) return fallback;
  const auto& value = config.at(key);
  if (!value.is_string()) fail(ErrorKind::recipe, "{}: {} is not a text", key, value.dump());
  return value.get<std::string>();
}

double real(const nlohmann::json& config, const char* key, double fallback) {
  if (!config.contains(key)) return fallback;
  const auto& value = config.at(key);
  if (!value.is_number()) fail(ErrorKind::recipe, "{}: {} is not a number", key, value.dump());
  return value.get<double>();
}

std::vector<int> numbers(const nlohmann::json& config, const char* key, const std::vector<int>& fallback) {
  if (!config.contains(key)) return fallback;
  const auto& list = config.at(key);
  if (!list.is_array() || list.empty() || list.size() > 1000)
    fail(ErrorKind::recipe, "{}: {} is not a list of whole numbers", key, list.dump());
  std::vector<int> values;
  for (const auto& entry : list) {
    nlohmann::json one;
    one[key] = entry;
    values.push_back(positive(one, key, 1));
  }
  return values;
}

void check_scale(int scale) {
  if (scale > 64) fail(ErrorKind::recipe, "scale: {} is more than 64", scale);
}

void check_keys(const nlohmann::json& config, std::initializer_list<const char*> known) {
  check_keys(config, std::vector<std::string>(known.begin(), known.end()));
}

void check_keys(const nlohmann::json& config, const std::vector<std::string>& names) {
  for (const auto& [key, value] : config.items()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    fail(ErrorKind::recipe, "unknown option '{}'; known: {}", key, fmt::join(names, ", "));
  }
}

}  // namespace ganvas
