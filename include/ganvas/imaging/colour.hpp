#pragma once

#include "ganvas/imaging/image.hpp"
#include "ganvas/imaging/options.hpp"

namespace ganvas {

/// Luma of MATLAB's rgb2ycbcr: Y = 65.481 R + 128.553 G + 24.966 B + 16 with RGB in [0,1], so Y is in [16,235].
/// f32, one channel, not rounded. A gray picture is taken as R = G = B. Alpha is ignored.
Image luma_bt601(const Image& image);

/// Both pictures have the same size, channels and depth.
Image fix_colour(const Image& result, const Image& reference, ColourFix method);

}  // namespace ganvas
