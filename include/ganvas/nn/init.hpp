#pragma once

#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace ganvas {

/// Names that initialise() knows.
const std::vector<std::string>& initialisations();

/// Fills the convolutions and linear layers of a network with new weights, drawn from LibTorch's default generator.
///   default   LibTorch's own (uniform Kaiming)
///   he        normal, std = gain * sqrt(2 / fan_in) (He et al. 2015), biases 0
///   identity  as he, plus the identity at the kernel's centre wherever input and output channels are equal: a deep
///             plain stack then starts as one that passes its features on, as with residual connections, and costs
///             nothing at inference (the idea behind RepVGG's identity branch, Ding et al. 2021)
/// Throws Error(recipe) for another name.
void initialise(torch::nn::Module& network, const std::string& kind, double gain);

}  // namespace ganvas
