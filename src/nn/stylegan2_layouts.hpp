#pragma once

#include <optional>

#include "ganvas/nn/registry.hpp"

/// StyleGAN2's weights under the keys of stylegan2-ada-pytorch, whichever of the three published layouts a file has
/// (stylegan2-ada-pytorch, rosinality, BasicSR); nothing for other files. Filters and other constants are left out.
/// The config is empty: whoever asks reads it from the shapes.
namespace ganvas {

std::optional<Detected> stylegan2_generator_layout(const StateDict& file);
std::optional<Detected> stylegan2_discriminator_layout(const StateDict& file);

}  // namespace ganvas
