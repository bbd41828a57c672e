#pragma once

#include <exception>
#include <opencv2/core/mat.hpp>

#include "ganvas/infer/upscaler.hpp"
#include "ganvas/nn/generator.hpp"

namespace ganvas {

/// Whether an exception means that memory ran out: std::bad_alloc, OpenCV's and LibTorch's own.
bool is_out_of_memory(const std::exception& error);

/// One network on a device, run on float tiles.
class TileRunner {
 public:
  TileRunner(GeneratorPtr network, const UpscaleOptions& options);

  /// H x W x C in 0..1 -> scaled; bf16 where chosen, fp32 again where that gave NaN or infinities.
  cv::Mat run(const cv::Mat& tile);

  /// A tile side at which the features take a moderate share of memory.
  int best_tile() const;
  const GeneratorInfo& info() const { return info_; }
  bool bf16() const { return half_ != nullptr; }

 private:
  torch::Tensor forward(Generator& network, const torch::Tensor& input) const;

  GeneratorPtr network_;  ///< fp32
  GeneratorPtr half_;     ///< the same in bf16, where that is chosen
  GeneratorInfo info_;
  torch::Device device_;
  bool tta_;
  bool warned_ = false;
};

}  // namespace ganvas
