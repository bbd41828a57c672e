#pragma once

#include "engine/plan.hpp"

namespace ganvas::engine {

/// Fills an empty plan: a place for every value and the steps in order, but no offsets in the arena yet.
void build_plan(Plan& plan, const Graph& graph, int height, int width, Numbers numbers, PackedWeights& weights);

}  // namespace ganvas::engine
