#pragma once

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// Instance norms of before PyTorch 0.4 stored statistics that they never used; the same weights without them.
StateDict without_legacy_statistics(const StateDict& weights);

}  // namespace ganvas
