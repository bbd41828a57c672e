#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Defaults: those of Real-ESRGAN's targets.
struct SharpenOptions {
  int radius = 50;        ///< side of the Gaussian's window in pixels (even: one more); its sigma is OpenCV's for it
  double weight = 0.5;    ///< how much of the difference to the blurred picture is added
  double threshold = 10;  ///< of 255; smaller differences stay as they are
};

/// Unsharp masking of 8-bit gray or RGB: x + m (clip(x + weight (x - blur)) - x), with m the blurred mask of the
/// samples that differ from `blur` by more than the threshold (Wang et al., Real-ESRGAN, 2021, section 3.4). Works in
/// bands, so that a large picture needs little memory.
Image usm_sharpen(const Image& image, const SharpenOptions& options = {});

}  // namespace ganvas
