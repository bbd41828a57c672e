#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <vector>

namespace ganvas {

/// Small networks, one a layer, that bring features of a generator's encoder into a space in which patches are compared
/// (Park et al. 2020, section 3: H_l of eq. 3): Linear, ReLU, Linear, then unit length.
class PatchProjection : public torch::nn::Module {
 public:
  /// `channels` of each layer's features.
  PatchProjection(const std::vector<int>& channels, int width);
  /// N x C x H x W of layer `layer` at `places` (indices into H * W) -> N x places x width, unit length, fp32.
  torch::Tensor project(std::size_t layer, const torch::Tensor& features, const torch::Tensor& places);

 private:
  std::vector<torch::nn::Sequential> layers_;
};

/// Indices of `count` different places of a map of `size` places, from LibTorch's default generator; all where there
/// are no more.
torch::Tensor random_places(std::int64_t size, std::int64_t count, torch::Device device);

/// PatchNCE (Park et al. 2020, eq. 4): each query shall be nearest to the key of its own place among all keys of its
/// picture. queries, keys: N x places x width, unit length; mean cross-entropy at this temperature. No gradient flows
/// to the keys.
torch::Tensor patch_nce(const torch::Tensor& queries, const torch::Tensor& keys, double temperature);

}  // namespace ganvas
