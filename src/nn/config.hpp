#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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
void check_keys(const nlohmann::json& config, const std::vector<std::string>& known);
/// Refuses enlargements of more than 64.
void check_scale(int scale);
/// A list of whole numbers >= 1, at most a thousand.
std::vector<int> numbers(const nlohmann::json& config, const char* key, const std::vector<int>& fallback);

}  // namespace ganvas
