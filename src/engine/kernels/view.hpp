#pragma once

#include <cstdint>

namespace ganvas::engine {

enum class Element { fp32, bf16, int8 };

/// Values in unsigned 8 bit: step * (q - zero), q in 0..255.
struct Int8Scale {
  double step = 0;  ///< 0: not in int8
  int zero = 0;
  bool used() const { return step > 0; }
};

/// Values of one node in memory: channels in blocks of `block` that lie together at a pixel. Value (c, y, x) is at
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

}  // namespace ganvas::engine
