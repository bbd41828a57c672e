#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

/// Reading a network's configuration; all throw Error(recipe).
namespace ganvas {

/// A whole number >= 1.
int positive(const nlohmann::json& config, const char* key, int fallback);
/// A whole number >= 0.
int whole(const nlohmann::json& config, const char* key, int fallback);
bool truth(const nlohmann::json& config, const char* key, bool fallback);
std::string word(const nlohmann::json& config, const char* key, const std::string& fallback);
double real(const nlohmann::json& config, const char* key, double fallback);
/// Refuses keys outside `known`.
void check_keys(const nlohmann::json& config, std::initializer_list<const char*> known);

}  // namespace ganvas
