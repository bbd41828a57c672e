#pragma once

#include <string>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// For a network that nobody recognised: the registered one whose keys are most like these, and a key that it has and
/// one that it lacks. Empty when none is at all like it. Builds small networks of every kind: for messages only.
std::string nearest_architecture(const StateDict& weights);

}  // namespace ganvas
