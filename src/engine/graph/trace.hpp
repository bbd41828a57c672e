#pragma once

#include "engine/graph/graph.hpp"

namespace ganvas {
class Generator;
}

namespace ganvas::engine {

/// Traces the network (fp32, evaluation mode) and translates the trace. Throws Error(model) that names the first
/// operator or use of one that isn't known here.
Graph trace(Generator& network);

}  // namespace ganvas::engine
