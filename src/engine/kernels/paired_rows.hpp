#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/kernels/view.hpp"

/// 3x3 convolutions two pixels of a row at a time, with four products of channels where six are usual (Winograd 1980;
/// for networks Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", F(2, 3), here along rows
/// only, since sums of both directions would cost bf16 too many digits). For CPUs with AVX-512 BF16.
namespace ganvas::engine {

/// What follows a sum of products at once.
struct PairedActivation {
  enum class Curve { none, leaky_relu, silu, sigmoid, mish };
  Curve curve = Curve::none;
  float slope = 0;  ///< of leaky_relu; 0: ReLU
};

/// A convolution of stride 1, with a border of one zero or none. Channels lie in blocks of 16.
class PairedRows {
 public:
  /// weight: out x in x 3 x 3; bias: out, or empty. `half`: products of bf16, and so is what it reads.
  PairedRows(int in, int out, std::span<const float> weight, std::span<const float> bias, PairedActivation activation,
             bool half);

  /// Of so many blocks of 16 channels.
  static bool takes(int in_blocks, int out_blocks) { return in_blocks >= 2 && out_blocks >= 2; }
  static bool runs_here();

  /// activation(products + bias + factor * what is there); a factor of 0 leaves out what is there. `to`: bf16 or fp32,
  /// as large as `from`, which then has a border of zeros, or smaller by 2.
  void run(const View& from, const View& to, float factor) const;

  /// Result blocks that are computed together, and where their weights begin.
  struct Group {
    int first = 0, blocks = 0;
    std::size_t weights = 0;
  };

 private:
  int in_, out_;  ///< whole blocks
  bool half_;
  PairedActivation activation_;
  std::vector<Group> groups_;
  std::vector<float> bias_;
  // A group after the other: 4 transformed columns x 3 rows x channels (of bf16: pairs) x the group's results (x 2).
  std::vector<std::uint16_t> half_weights_;
  std::vector<float> weights_;
};

}  // namespace ganvas::engine
