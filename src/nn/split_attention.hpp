#pragma once

#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <array>

#include "ganvas/format/state_dict.hpp"
#include "nn/windows.hpp"

/// What DAT (Chen et al. 2023, "Dual aggregation transformer") and RGT (Chen et al. 2024, "Recursive generalization
/// transformer") share.
namespace ganvas {

/// A table of relative positions computed by a small network of their coordinates. It depends on no picture.
class PositionBiasImpl : public torch::nn::Module {
 public:
  PositionBiasImpl(int inner, int heads, Window window);
  /// heads x tokens x tokens.
  torch::Tensor forward();

 private:
  int tokens_;
  torch::Tensor coordinates_, indices_;
  torch::nn::Linear first_;
  std::array<torch::nn::LayerNorm, 3> norms_{nullptr, nullptr, nullptr};
  std::array<torch::nn::Linear, 3> linears_{nullptr, nullptr, nullptr};
};
TORCH_MODULE(PositionBias);

/// Masks of windows that lie and windows that stand, shifted by half.
class SplitMasks {
 public:
  explicit SplitMasks(Window window);
  /// For pictures of tokens, which are padded to multiples of both sides first.
  std::array<torch::Tensor, 2> get(const torch::Tensor& tokens);

 private:
  int side_;
  MaskCache first_, second_;
};

/// Half of the channels attend in windows of height x width, the other half in windows of width x height.
class SplitAttentionImpl : public torch::nn::Module {
 public:
  /// The first of a network marks the window's sides in the state dict, where nothing else tells them.
  SplitAttentionImpl(int channels, int heads, Window window, bool marks);
  /// Queries, keys and values beside one another in N x H x W x 3C -> N x H x W x C.
  torch::Tensor forward(const torch::Tensor& qkv, bool shifted, const std::array<torch::Tensor, 2>& masks);

 private:
  int channels_, heads_;
  std::array<Window, 2> windows_;
  std::array<PositionBias, 2> bias_{nullptr, nullptr};
};
TORCH_MODULE(SplitAttention);

/// Whether block `block` (an even one) of group `group` is shifted.
constexpr bool is_shifted(int group, int block) { return group % 2 == 0 ? block % 4 == 2 : block % 4 == 0; }

/// A batch norm which in training takes a picture's one value per channel (a mean) by its running statistics, since one
/// value has no variance.
torch::Tensor batch_norm_of(torch::nn::BatchNorm2d& norm, const torch::Tensor& x);

/// Splits the options of such a network off a state dict: the window by `rpe_biases` (or the index, where that was left
/// out), of which only the first stays in `weights`. Throws Error(model).
Window take_split_window(const StateDict& stored, StateDict& weights);

}  // namespace ganvas
