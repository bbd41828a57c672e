#pragma once

#include <opencv2/core/mat.hpp>

#include "ganvas/engine/engine.hpp"
#include "ganvas/infer/options.hpp"
#include "ganvas/nn/generator.hpp"

namespace ganvas {

/// One network on a device, run on float tiles.
class TileRunner {
 public:
  /// `tta`: the mean over eight flips and turns. `int8_record`: the model's own (see model quantize); empty: it has
  /// none.
  TileRunner(GeneratorPtr network, const RunOptions& options, bool tta = false, const std::string& int8_record = {});

  /// H x W x C in 0..1 -> scaled; bf16 where chosen, fp32 again where that gave NaN or infinities.
  cv::Mat run(const cv::Mat& tile);

  /// A tile side at which the features take a moderate share of memory.
  int best_tile() const;
  const GeneratorInfo& info() const { return info_; }
  /// "fp32", "bf16" or "int8": of most convolutions.
  std::string precision() const { return engine_ && engine_->int8() ? "int8" : bf16_ ? "bf16" : "fp32"; }
  bool compiled() const { return engine_ != nullptr; }

 private:
  torch::Tensor forward(const torch::Tensor& input);
  torch::Tensor once(const torch::Tensor& input);

  GeneratorPtr network_;            ///< fp32
  std::unique_ptr<Engine> engine_;  ///< the same compiled, where that can be
  GeneratorPtr half_;               ///< the same in bf16, where that is chosen and there is no engine
  GeneratorInfo info_;
  torch::Device device_;
  bool tta_, bf16_;
  bool plain_ = false;  ///< fp32 by LibTorch, for a tile that went wrong
  bool warned_ = false;
};

}  // namespace ganvas
