#pragma once

#include <span>
#include <vector>

#include "engine/kernels/view.hpp"

/// Loops over whole values that more than one operator or the plan itself needs, row by row: rows are widened to fp32,
/// worked on in cache and narrowed again.
namespace ganvas::engine {

/// Same channels in another precision or blocking; what fills up the last block becomes 0.
void convert(const View& in, const View& out);
/// For the first convolution in bf16: channels 0..C-1 get the rounded values, C..2C-1 what rounding took away.
void split_halves(const View& in, const View& out);

/// To int8. Any blocking.
void quantise(const View& in, const Int8Scale& scale, const View& out);
/// PReLU, then to int8; both with all channels of a pixel together.
void leak_quantise(const View& in, const std::vector<float>& slopes, const Int8Scale& scale, const View& out);

/// Values below 0 times a slope, one a channel or one for all.
void leak(const View& in, const std::vector<float>& slopes, const View& out);
/// One factor and one term a channel, or one for all.
void scale_and_shift(const View& in, const std::vector<float>& scale, const std::vector<float>& shift, const View& out);
/// Parts of any channel counts, one behind the other.
void put_together(std::span<const View> parts, const View& out);
/// Place (y, x) of the result is place (rows[y], columns[x]) of the input; -1: zero.
void remap(const View& in, const std::vector<int>& rows, const std::vector<int>& columns, const View& out);

/// Mean and mean square deviation of each channel over all pixels, with what fills up the last block.
struct Moments {
  std::vector<double> mean, variance;
};
Moments moments_of(const View& in);

}  // namespace ganvas::engine
