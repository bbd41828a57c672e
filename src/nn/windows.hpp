#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <functional>
#include <utility>

#include "ganvas/nn/traced_operators.hpp"
#include "nn/reach.hpp"
#include "nn/token_blocks.hpp"

/// Attention inside windows (Swin Transformer, Liu et al. 2021; SwinIR, Liang et al. 2021). Tokens are N x H x W x C,
/// and H and W multiples of the window.
namespace ganvas {

/// Row and column of each token of a window.
std::pair<torch::Tensor, torch::Tensor> places(Window window);
/// For each pair of query and key of a window, the row of a table of all (2h - 1) (2w - 1) relative positions:
/// tokens^2 values, queries first.
torch::Tensor relative_positions(Window window);
/// Rows of a table (positions x heads) for `indices` (queries * keys): heads x queries x keys.
torch::Tensor bias_of(const torch::Tensor& table, const torch::Tensor& indices, int queries);

/// softmax(q k^T + bias + mask) v of B x heads x tokens x d; q is scaled already. `mask` may be undefined; its windows
/// repeat over the batch.
torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, const torch::Tensor& bias,
                     const torch::Tensor& mask);
/// B x tokens x (parts * C) -> parts x B x heads x tokens x C / heads; and heads back together.
torch::Tensor split_heads(const torch::Tensor& tokens, int parts, int heads);
torch::Tensor join_heads(const torch::Tensor& heads);

/// Vectors of length 1 along the last axis.
torch::Tensor unit(const torch::Tensor& x);

/// A mask for the picture's size asked for last.
class MaskCache {
 public:
  using Make = std::function<torch::Tensor(std::int64_t height, std::int64_t width)>;
  MaskCache(Window window, Window shift)
      : make_([=](std::int64_t height, std::int64_t width) { return shift_mask(height, width, window, shift); }) {}
  explicit MaskCache(Make make) : make_(std::move(make)) {}
  /// For tokens of that height and width, of the type and device of `like`.
  torch::Tensor get(std::int64_t height, std::int64_t width, const torch::Tensor& like);
  torch::Tensor get(const torch::Tensor& tokens) { return get(tokens.size(1), tokens.size(2), tokens); }

 private:
  Make make_;
  std::int64_t height_ = 0, width_ = 0;
  torch::Tensor mask_;
};

/// A table of relative positions with its indices: the "relative_position_bias_table" of published files.
torch::Tensor make_bias_table(int positions, int heads);

class WindowAttentionImpl : public torch::nn::Module {
 public:
  WindowAttentionImpl(int channels, int window, int heads, bool bias);
  /// `mask` counts only where windows are shifted.
  torch::Tensor forward(const torch::Tensor& tokens, int shift, const torch::Tensor& mask);

 private:
  AttentionShape shape_;
  torch::Tensor table_, indices_;
  torch::nn::Linear qkv_, proj_;
};
TORCH_MODULE(WindowAttention);

struct SwinOptions {
  int channels = 60, window = 8, heads = 6, hidden = 120;
  int shift = 0;
  bool bias = true;  ///< of the queries, keys and values
};

/// x += attention(norm(x)); x += mlp(norm(x)).
class SwinBlockImpl : public torch::nn::Module {
 public:
  explicit SwinBlockImpl(const SwinOptions& options);
  /// `mask` is used by shifted blocks only.
  torch::Tensor forward(const torch::Tensor& tokens, const torch::Tensor& mask);

 private:
  SwinOptions options_;
  torch::nn::LayerNorm norm1_, norm2_;
  WindowAttention attention_;
  Mlp mlp_;
};
TORCH_MODULE(SwinBlock);

/// The side of a window by its table of relative positions, (2 side - 1)^2 rows. Throws Error(model).
int window_of_table(int rows);
/// Throws Error(recipe) when a number of channels has no equal heads.
void check_heads(int channels, int heads);

/// What a window's tokens read, far from the border.
inline Reach through_window(Reach out, int window, int shift) {
  return {divided_down(out.first - shift, window) * window + shift,
          divided_down(out.last - shift, window) * window + shift + window - 1};
}

}  // namespace ganvas
