#pragma once

#include <torch/nn/module.h>

#include <string>

#include "ganvas/format/state_dict.hpp"

namespace ganvas {

/// Copies into a network what fits of a file's weights, by name and shape: another scale shares all but its last layer.
/// Weights that the recipe fixes (without gradient) stay. `ours` and `theirs` describe the two networks for messages.
/// Throws Error(model) where less than half of the network's weights are found: that would be no start.
void start_from(torch::nn::Module& network, const StateDict& weights, const std::string& file, const std::string& ours,
                const std::string& theirs);

/// A discriminator's weights out of a file: of a run's checkpoint (checkpoints/latest.safetensors) those of `name` or,
/// where it has none, of "discriminator"; else of a published file.
StateDict discriminator_weights(const std::string& file, const std::string& name);

/// The first `count` layers with weights, in the order of the forward pass, learn no more (FreezeD, Mo et al. 2020).
/// Returns how many layers there are; throws nothing where `count` is more.
int freeze_layers(torch::nn::Module& network, std::int64_t count);

}  // namespace ganvas
