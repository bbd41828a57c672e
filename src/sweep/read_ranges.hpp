#pragma once

#include <vector>

#include "ganvas/sweep/plan.hpp"

namespace ganvas {

/// The tables [range...] of a sweep's file. Throws Error(recipe) that names the key.
std::vector<SweepRange> read_ranges(Recipe& file, bool grid);
/// A value as Recipe::set takes it; lists in [].
std::string assigned_text(const nlohmann::json& value);

}  // namespace ganvas
