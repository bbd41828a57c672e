#pragma once

#include <ATen/core/Tensor.h>

/// Attention inside windows as one operator of LibTorch. Its trace is one node, where the reshapes, rolls and products
/// that it is made of would be dozens that mean something for the traced size only; the compiled engine knows it by
/// name. Tokens are N x H x W x C.
namespace ganvas {

struct Window {
  int height = 8, width = 8;
  int tokens() const { return height * width; }
};

/// N x H x W x C -> (N * windows) x tokens x C, windows and tokens row by row; and back.
at::Tensor partition(const at::Tensor& tokens, Window window);
at::Tensor unpartition(const at::Tensor& windows, Window window, const at::Tensor& like);
/// The same with tokens at equal distances over the whole picture, as many as a window has.
at::Tensor gather_grid(const at::Tensor& tokens, Window window);
at::Tensor scatter_grid(const at::Tensor& groups, Window window, const at::Tensor& like);

/// What keeps tokens apart that only a roll by `shift` brought into one window: 0, or -100 (windows x queries x keys).
at::Tensor shift_mask(std::int64_t height, std::int64_t width, Window window, Window shift);
/// Which of nine regions each token belongs to after such a roll: windows x tokens.
at::Tensor shift_regions(std::int64_t height, std::int64_t width, Window window, Window shift);
at::Tensor mask_between(const at::Tensor& query_regions, const at::Tensor& key_regions);

/// Which tokens attend to one another.
struct AttentionShape {
  int heads = 1;
  double scale = 1;  ///< of the queries
  Window window;
  Window shift{0, 0};  ///< tokens are rolled back by so much for the while
  int border = 0;      ///< keys and values come from so many tokens more around the window; zeros outside the picture
  bool grid = false;   ///< of a grid over the whole picture, not of a window
  int first = 0, width = 0;  ///< of the channels of each queries, keys and values; width 0: all
};

/// softmax(scale q k^T + bias + mask) v. qkv: queries, keys and values beside one another, N x H x W x 3C -> N x H x W
/// x width. bias: heads x queries x keys, or undefined. mask: shift_mask(), where windows are shifted; undefined
/// otherwise. Sides that are no multiples of the window's longer side are filled up with zeros for the while.
at::Tensor window_attention(const at::Tensor& qkv, const at::Tensor& bias, const at::Tensor& mask,
                            const AttentionShape& shape);

/// Keys and values of two by two tokens in one (SRFormer, Zhou et al. 2023, section 3.2). q: N x H x W x C, kv:
/// N x H x W x C / 2; H and W multiples of the window.
at::Tensor cell_attention(const at::Tensor& q, const at::Tensor& kv, const at::Tensor& bias, const at::Tensor& mask,
                          const AttentionShape& shape);

/// Attention between channels by their cosines over the tokens of each window, or (window 0 x 0) of the whole picture,
/// or (grid) over the tokens that have the same place in all windows: softmax(temperature q k^T) v, where q and k have
/// length 1 along the tokens. Softmax in fp32 where that is autocast's choice. temperature: heads x 1 x 1.
at::Tensor channel_attention(const at::Tensor& qkv, const at::Tensor& temperature, int heads, Window window, bool grid);

/// `before` rows and columns on every side of N x C x H x W, and at the bottom and right what is missing to a multiple
/// that is at least `smallest`. border: "reflect" (as far as the picture reaches, and from there on what was last),
/// "replicate" or "zero".
at::Tensor surround(const at::Tensor& x, std::int64_t before, std::int64_t multiple, std::int64_t smallest,
                    const char* border);

/// `x` enlarged to the height and width of `like` (both N x C x H x W) by bilinear interpolation, corners not aligned.
at::Tensor bilinear_like(const at::Tensor& x, const at::Tensor& like);

/// Enlargement by sampling at places of its own for each group of channels (DySample, Liu et al. 2023, section 3):
/// bilinear, and beyond the border what lies there. features: N x groups * C x H x W. offsets: in pixels of the
/// features, from where the scale^2 parts of a pixel have their centres; N x 2 * groups * scale^2 x H x W, across
/// before down, and of each the parts of a group beside one another. The result is N x groups * C x scale * H x scale *
/// W or, if the groups are `added`, N x C x ..
at::Tensor sampled(const at::Tensor& features, const at::Tensor& offsets, int scale, int groups, bool added);

}  // namespace ganvas
