#pragma once

#include <string>
#include <vector>

#include "ganvas/core/recipe.hpp"

/// Options that can't mean anything to a task are refused, with the reason.
namespace ganvas {

/// A key of the tables that all adversarial tasks share, or of another task, and why it means nothing to some of them.
struct PointlessOption {
  std::string key;                 ///< "table.key", or "table." for all of a table
  std::vector<std::string> tasks;  ///< to which it means nothing
  std::string reason;              ///< completes "means nothing here: ..."
};
const std::vector<PointlessOption>& pointless_options();
/// The entry that concerns a key in a task; nullptr where it has a meaning.
const PointlessOption* pointless_option(const std::string& task, const std::string& key);

/// Throws Error(recipe) for the first such key that is given another value than its default. After the task and the
/// monitor have read their keys.
void refuse_pointless(const Recipe& recipe, const std::string& task);

}  // namespace ganvas
