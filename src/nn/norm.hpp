#pragma once

#include <torch/nn/modules/container/sequential.h>

#include <string>

namespace ganvas {

/// Appends "batch" (affine), "instance" (no parameters, as pix2pix uses it) or "none" (an identity, so that indices
/// stay the same). Throws Error(recipe) otherwise.
void push_norm(torch::nn::Sequential& body, const std::string& kind, int channels);

}  // namespace ganvas
