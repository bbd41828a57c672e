#pragma once

#include <algorithm>
#include <cstring>

#include "engine/kernels/row_kernels.hpp"
#include "engine/kernels/view.hpp"

namespace ganvas::engine {

/// A part of a value, in a picture that may be larger.
struct Patch {
  View view;
  int row = 0, column = 0;  ///< of the picture, of the part's first value

  bool has(int y, int x) const { return y >= row && y < row + view.height && x >= column && x < column + view.width; }
  /// Of a block's first value at a place of the picture, from the part's first value.
  std::int64_t place(int block, int y, int x) const {
    return ((std::int64_t{block} * view.height + y - row) * view.width + x - column) * view.block;
  }
};

/// `count` channels from `channel` on, at a place of the picture, in fp32.
inline void load_pixel(const Patch& from, int channel, int count, int y, int x, float* to) {
  const View& view = from.view;
  for (int done = 0; done < count;) {
    const int skip = (channel + done) % view.block, some = std::min(count - done, view.block - skip);
    const std::int64_t place = from.place((channel + done) / view.block, y, x) + skip;
    if (view.element == Element::bf16) widen(static_cast<const std::uint16_t*>(view.data) + place, to + done, some);
    else std::memcpy(to + done, static_cast<const float*>(view.data) + place, sizeof(float) * some);
    done += some;
  }
}

/// All channels, with what fills up the last block.
inline void store_pixel(const float* from, int y, int x, const Patch& to) {
  const View& view = to.view;
  for (int block = 0; block < view.blocks(); ++block, from += view.block) {
    const std::int64_t place = to.place(block, y, x);
    if (view.element == Element::bf16) narrow(from, static_cast<std::uint16_t*>(view.data) + place, view.block);
    else std::memcpy(static_cast<float*>(view.data) + place, from, sizeof(float) * view.block);
  }
}

}  // namespace ganvas::engine
