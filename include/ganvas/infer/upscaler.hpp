#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ganvas/imaging/image.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/nn/registry.hpp"

namespace ganvas {

/// The size of a result. Throws Error(usage) for contradictory or impossible wishes.
cv::Size resolve(const TargetSize& target, int width, int height, int network_scale);

/// Enlarges pictures with one network. Not for several threads at once.
class Upscaler {
 public:
  Upscaler(LoadedGenerator model, const UpscaleOptions& options);
  ~Upscaler();

  /// Any channels and depth; the result keeps both, but that a network of 1 -> 3 channels makes colour of gray. One of
  /// 4 -> 4 gets colours with alpha, and alpha 1 where the picture has none. The network runs as often as the size asks
  /// for, then a bicubic resize brings it to exactly `size`; a size below the picture's own is a resize alone.
  /// `progress` gets the finished share, 0..1. A tile with NaN or infinite values is computed again in fp32; when
  /// memory runs out, tiles get smaller. Throws Error(memory), Error(model) for a network that gives NaN in fp32 too,
  /// Error(interrupted).
  Image upscale(const Image& image, cv::Size size, const std::function<void(double)>& progress = {});

  const GeneratorInfo& info() const;
  /// What most convolutions run in: "fp32", "bf16" or "int8".
  std::string precision() const;

  /// The network on one float tile (H x W x C in 0..1, the network's input channels); for benchmarks and tests.
  cv::Mat run_tile(const cv::Mat& tile);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ganvas
