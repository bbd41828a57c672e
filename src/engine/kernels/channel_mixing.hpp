#pragma once

#include <array>
#include <span>

#include "engine/graph/geometry.hpp"
#include "engine/kernels/patch.hpp"

/// Attention between channels: the products of queries and keys are summed over many tokens, so that each head has one
/// small matrix of weights for all of them.
namespace ganvas::engine {

/// Which tokens the sums go over.
struct ChannelMixing {
  int heads = 1;
  std::array<int, 2> window{0, 0};  ///< down, across; 0: the whole picture
  bool grid = false;                ///< over the tokens at the same place of all windows
  int width = 0;                    ///< channels of queries, of keys, of values and of the result
};

/// Fills `out`; `qkv` (queries, keys and values beside one another) covers all windows that it meets, of a picture of
/// size `whole`. The same bits whatever the number of threads.
void mix_channels(const ChannelMixing& kind, std::span<const float> temperature, Size whole, const Patch& qkv,
                  const Patch& out);

}  // namespace ganvas::engine
