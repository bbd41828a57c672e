#pragma once

#include <string>

#include "ganvas/format/state_dict.hpp"

namespace torch::nn {
class Module;
}

namespace ganvas {

/// Weights of a module by name, parameters and buffers, in registration order.
StateDict state_dict_of(const torch::nn::Module& module);

/// Copies weights in, strictly. `name` stands in messages. Throws Error(model) for missing, misshapen and unexpected
/// weights.
void load_state_dict(torch::nn::Module& module, const StateDict& weights, const std::string& name);

/// Evaluation mode, and no gradients for its weights.
void freeze(torch::nn::Module& module);

}  // namespace ganvas
