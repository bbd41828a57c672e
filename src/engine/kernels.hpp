#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/operators.hpp"

/// What oneDNN has no fast primitive for, row by row: rows are widened to fp32, worked on in cache and narrowed again.
namespace ganvas::engine {

/// Channels in blocks of `block` that lie together at a pixel: value (c, y, x) is at
/// ((c / block * height + y) * width + x) * block + c % block. A picture (H x W x C) is one block of all its channels.
struct View {
  void* data = nullptr;
  int channels = 0, height = 0, width = 0, block = 16;
  Element element = Element::fp32;
  int blocks() const { return (channels + block - 1) / block; }
  std::int64_t row() const { return static_cast<std::int64_t>(width) * block; }
  /// Values that it takes, with those that fill up the last block.
  std::int64_t size() const { return blocks() * row() * height; }
};

/// Same channels in another precision or blocking; what fills up the last block becomes 0.
void convert(const View& in, const View& out);
/// For the first convolution in bf16: channels 0..C-1 get the rounded values, C..2C-1 what rounding took away.
void split_halves(const View& in, const View& out);

/// To int8. Any blocking.
void quantise(const View& in, const Int8Scale& scale, const View& out);
/// PReLU, then to int8; both with all channels of a pixel together.
void leak_quantise(const View& in, const float* slopes, const Int8Scale& scale, const View& out);

void activate(const View& in, const View& out, Activation activation, double slope, const float* slopes);
void add(const View& a, double alpha, const View& b, double beta, const View& out);
/// b of the same size or of one pixel.
void multiply(const View& a, const View& b, const View& out);
/// One factor and one term a channel.
void affine(const View& in, const std::vector<float>& scale, const std::vector<float>& shift, const View& out);
/// Parts of any channel counts, one behind the other.
void concat(const std::vector<View>& parts, const View& out);
/// `base` without data: none.
void pixel_shuffle(const View& in, int factor, bool grouped, const View& base, const View& out);
void pixel_unshuffle(const View& in, int factor, const View& out);
void nearest(const View& in, int factor, const View& out);
void bilinear(const View& in, bool align_corners, const View& out);
void pad(const View& in, const std::array<int, 4>& border, Border kind, const View& out);
/// (x - mean) / sqrt(variance + eps) * scale + shift over the pixels of each channel; empty scale and shift: 1 and 0.
void instance_norm(const View& in, double eps, const std::vector<float>& scale, const std::vector<float>& shift,
                   const View& out);
void mean(const View& in, const View& out);

}  // namespace ganvas::engine
