#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <functional>
#include <utility>

#include "nn/reach.hpp"
#include "nn/token_blocks.hpp"

/// Attention inside windows (Swin Transformer, Liu et al. 2021; SwinIR, Liang et al. 2021). Tokens are N x H x W x C,
/// and H and W multiples of the window.
namespace ganvas {

struct Window {
  int height = 8, width = 8;
  int tokens() const { return height * width; }
};

/// N x H x W x C -> (N * windows) x tokens x C, windows and tokens row by row; and back.
torch::Tensor partition(const torch::Tensor& tokens, Window window);
torch::Tensor unpartition(const torch::Tensor& windows, Window window, const torch::Tensor& like);

/// Rolls both axes of tokens.
torch::Tensor rolled(const torch::Tensor& tokens, int rows, int columns);
/// What `attention` makes of the windows (windows x tokens x C) of tokens that are rolled back by `shift` for the
/// while.
template <typename Attention>
torch::Tensor in_windows(const torch::Tensor& tokens, Window window, Window shift, Attention attention) {
  const bool moves = shift.height > 0 || shift.width > 0;
  const torch::Tensor own = moves ? rolled(tokens, -shift.height, -shift.width) : tokens;
  const torch::Tensor result = unpartition(attention(partition(own, window)), window, own);
  return moves ? rolled(result, shift.height, shift.width) : result;
}

/// Row and column of each token of a window.
std::pair<torch::Tensor, torch::Tensor> places(Window window);
/// For each pair of query and key of a window, the row of a table of all (2h - 1) (2w - 1) relative positions:
/// tokens^2 values, queries first.
torch::Tensor relative_positions(Window window);
/// Rows of a table (positions x heads) for `indices` (queries * keys): heads x queries x keys.
torch::Tensor bias_of(const torch::Tensor& table, const torch::Tensor& indices, int queries);

/// What keeps tokens apart that only the roll by `shift` brought into one window: 0, or -100 (windows x queries x
/// keys).
torch::Tensor shift_mask(std::int64_t height, std::int64_t width, Window window, Window shift);
/// Which of nine regions each token belongs to after such a roll: windows x tokens.
torch::Tensor shift_regions(std::int64_t height, std::int64_t width, Window window, Window shift);
torch::Tensor mask_between(const torch::Tensor& query_regions, const torch::Tensor& key_regions);

/// softmax(q k^T + bias + mask) v of B x heads x tokens x d; q is scaled already. `mask` may be undefined; its windows
/// repeat over the batch.
torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, const torch::Tensor& bias,
                     const torch::Tensor& mask);
/// B x tokens x (parts * C) -> parts x B x heads x tokens x C / heads; and heads back together.
torch::Tensor split_heads(const torch::Tensor& tokens, int parts, int heads);
torch::Tensor join_heads(const torch::Tensor& heads);

/// Vectors of length 1 along the last axis.
torch::Tensor unit(const torch::Tensor& x);
/// Attention between channels by their cosines: softmax(temperature q k^T) v of parts q, k and v (3 x B x heads x d x
/// tokens), softmax in fp32 where that is autocast's choice; B x heads x d x tokens.
torch::Tensor attend_channels(const torch::Tensor& parts, const torch::Tensor& temperature);

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
  /// Of windows x tokens x C.
  torch::Tensor forward(const torch::Tensor& windows, const torch::Tensor& mask);

 private:
  int heads_, tokens_;
  double scale_;
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
