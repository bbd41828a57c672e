#pragma once

#include <nlohmann/json.hpp>

#include "ganvas/format/state_dict.hpp"
#include "nn/r3gan_blocks.hpp"

/// R3GAN's configurations and published key layout.
namespace ganvas {

/// The options widths, blocks (default one a stage) and group_width. Throws Error(recipe).
r3gan::Stages r3gan_stages(const nlohmann::json& config, const std::vector<int>& default_widths);
/// Without the prefix `Model.` and the filters, which are constants.
StateDict without_r3gan_wrapper(const StateDict& file);
/// widths, blocks and group_width as the shapes have them; `first_block`: index of a stage's first block.
nlohmann::json r3gan_config(const StateDict& weights, int first_block);

}  // namespace ganvas
