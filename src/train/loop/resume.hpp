#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ganvas/core/recipe.hpp"
#include "ganvas/train/options.hpp"

/// What may be otherwise when a run goes on.
namespace ganvas {

/// Whether a run may go on with another value: how long, how fast and in which precision it trains, and what it tells
/// of itself. Everything else makes it another run.
bool may_change_on_resume(const std::string& key);

/// The changes that going on brings. Throws Error(recipe) for the first that makes it another run, naming key and
/// values; `checkpoint` stands in the message.
std::vector<Recipe::Difference> changes_on_resume(const Recipe& recipe, const std::string& resolved,
                                                  const std::filesystem::path& checkpoint);

/// What the pictures of a run are known by: how many there are, and a hash of their names below the places given and
/// their sizes in bytes. The same pictures elsewhere are the same.
std::string fingerprint_of(const TaskData& data);

}  // namespace ganvas
