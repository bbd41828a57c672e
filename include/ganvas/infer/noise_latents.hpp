#pragma once

#include <torch/types.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "ganvas/nn/noise_generator.hpp"

namespace ganvas {

/// What pictures from noise are made of, as it is kept in a .safetensors file (or a .pth):
///   w        N x layers x style, or N x style for all layers: styles, of networks that have such
///   z        N x noise: noise, of any network; beside it, by option, `class`, N whole numbers
///   latent   N x 1 x any: noise with what a class adds to it, of networks without styles
///   noise.*  the planes of constant noise under their names, which then take the network's place
struct NoiseLatents {
  torch::Tensor styles{};      ///< N x layers x style as NoiseGenerator::synthesise() takes them; undefined: noise
  torch::Tensor noise{};       ///< N x noise; undefined: styles
  std::vector<int> classes{};  ///< beside noise; empty: none
  std::vector<std::pair<std::string, torch::Tensor>> planes{};
  std::int64_t count() const { return styles.defined() ? styles.size(0) : noise.size(0); }
};

/// Throws Error(model) for a file that holds none of these or another network's.
NoiseLatents read_latents(const std::filesystem::path& path, const NoiseGenerator& network);
/// Writes `styles`, N x layers x style, with planes if there are any; by rename only.
void write_latents(const std::filesystem::path& path, const NoiseGenerator& network, const torch::Tensor& styles,
                   const std::vector<std::pair<std::string, torch::Tensor>>& planes = {});

}  // namespace ganvas
