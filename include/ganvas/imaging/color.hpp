#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Luma of MATLAB's rgb2ycbcr: Y = 65.481 R + 128.553 G + 24.966 B + 16 with RGB in [0,1], so Y is in [16,235].
/// f32, one channel, not rounded. A gray picture is taken as R = G = B. Alpha is ignored.
Image luma_bt601(const Image& image);

/// Correction of colour shifts that networks bring in. Both pictures have the same size, channels and depth.
enum class ColorFix {
  none,
  mean,     ///< shifts each channel so that its mean equals the reference's
  wavelet,  ///< high frequencies of the result + low frequencies of the reference (5 a-trous levels, [1 2 1]^2/16)
};
Image fix_color(const Image& result, const Image& reference, ColorFix method);

}  // namespace ganvas
