#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>
#include <opencv2/core/types.hpp>
#include <vector>

#include "ganvas/engine/engine.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/nn/style_network.hpp"

namespace ganvas {

/// A style, and how much each place of the features belongs to it: 1 x 1 x h x w of values from 0 up; undefined: all.
struct StyleRegion {
  StyleCode code;
  torch::Tensor share{};
  double weight = 1;  ///< against others where shares overlap; statistics don't depend on it
};

/// Statistics of earlier frames, for each step and region.
struct SteadyStatistics {
  double follow = 1;  ///< share of a new frame's own; 1: none are kept
  std::vector<std::vector<StyleStatistics>> known{};
};

/// Runs a style network over a picture of any size, with statistics of the whole: what is computed in tiles is what the
/// whole would give. Of the features one map of the whole picture is kept, in fp32 or, where that passes a GiB, fp16.
class StylePass {
 public:
  /// 1 x 3 x height x width of the picture, RGB in 0..1. Rectangles lie within the padded picture.
  using Source = std::function<torch::Tensor(const cv::Rect& pixels)>;
  /// The same of the result; every pixel of the padded picture comes once.
  using Sink = std::function<void(const cv::Rect& pixels, const torch::Tensor& values)>;

  /// `tile`: side in pixels; 0: chosen.
  StylePass(StyleNetworkPtr network, const RunOptions& options, int tile);

  const StyleNetworkInfo& info() const { return info_; }
  /// "fp32" or "bf16": of the convolutions; the map of features between them stays as it is.
  std::string precision() const { return encoder_ && encoder_->bf16() ? "bf16" : "fp32"; }
  /// Sides that the network works on: multiples of its cell, from its smallest on.
  cv::Size padded(cv::Size picture) const;
  /// Of a style's picture in 0..1, 1 x 3 x any size; weights as in encode_style().
  StyleCode encode_style(const torch::Tensor& picture, const torch::Tensor& weights);

  /// `size` as padded() gives it. `weights` (1 x 1 x h x w or undefined): how much places count in statistics.
  void run(cv::Size size, const Source& source, const Sink& sink, const std::vector<StyleRegion>& regions,
           const torch::Tensor& weights, SteadyStatistics& steady, const std::function<void(double)>& progress);

 private:
  struct Map;
  void encode(Map& map, const Source& source, const std::function<void(double)>& progress);
  StyleStatistics statistics(const Map& map, int step, const torch::Tensor& weights);
  void apply(Map& map, int step, const std::vector<StyleRegion>& regions,
             const std::vector<StyleStatistics>& statistics);
  void decode(const Map& map, const Sink& sink, const std::function<void(double)>& progress);
  void compile(bool bf16, bool unless_slower);
  torch::Tensor sample();
  /// A step of one style, compiled; null where that can't be.
  std::unique_ptr<Engine> step_engine(int step, const StyleStatistics& statistics, const StyleCode& code);

  StyleNetworkPtr network_;
  StyleNetworkInfo info_;
  torch::Device device_;
  int tile_;                                   ///< in places
  std::shared_ptr<EngineMemory> memory_;       ///< of all engines here
  std::unique_ptr<Engine> encoder_, decoder_;  ///< the network's ends compiled, where that can be
  bool plain_steps_ = true;                    ///< as far as is known the steps can be, too
  bool compared_steps_ = false;                ///< the first of them was compared with what LibTorch makes of it
};

}  // namespace ganvas
