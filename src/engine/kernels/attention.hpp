#pragma once

#include <array>
#include <span>
#include <vector>

#include "engine/graph/geometry.hpp"
#include "engine/kernels/patch.hpp"

/// Attention inside windows, a window at a time: its queries, keys and values are gathered into the cache, and of the
/// scores there are never more than a few rows.
namespace ganvas::engine {

/// Which tokens attend to which.
struct AttentionKind {
  int heads = 1;
  float scale = 1;                  ///< of the queries
  std::array<int, 2> window{8, 8};  ///< down, across
  std::array<int, 2> shift{0, 0};   ///< windows begin so much further down and right; those at the borders are smaller
  int border = 0;  ///< keys and values reach so far beyond the window on all sides; outside the picture they are zero
  bool grid = false;  ///< a "window" is a grid over the whole picture: tokens at equal distances, as many as it has
  int cell = 1;       ///< keys and values are of cell x cell tokens in one, which have a part of its channels each
  int width = 0;      ///< channels of queries, and of the result
  int queries = 0, keys = 0, values = 0;  ///< where they begin among the channels of the input

  int query_tokens() const { return window[0] * window[1]; }
  int key_side(Axis axis) const { return (window[axis] + 2 * border) / cell; }
  int key_tokens() const { return key_side(down) * key_side(across); }
  /// Windows along an axis, and a window's first token there; it may lie outside the picture.
  int windows(Axis axis, int size) const;
  int first(Axis axis, int size, int index) const;
  /// From token to token of a window.
  int step(Axis axis, int size) const { return grid ? size / window[axis] : 1; }
  /// To what the side of a picture is filled up with zeros.
  int filled_up(int size) const;
};

/// What is added to the scores, in the order in which the kernel reads it.
struct AttentionBias {
  /// bias: heads x queries x keys, or empty.
  AttentionBias(const AttentionKind& kind, std::span<const float> bias);
  const float* row(int head, int query) const;

  int keys = 0;  ///< filled up with what no query attends to
  int rows = 0;  ///< of a head; 1: one for all queries and heads
  std::vector<float> values;
};

/// Fills `out`; `q` and `kv` (which may be the same) cover what its windows read, of a picture of size `whole`.
void attend_in_windows(const AttentionKind& kind, const AttentionBias& bias, Size whole, const Patch& q,
                       const Patch& kv, const Patch& out);

}  // namespace ganvas::engine
