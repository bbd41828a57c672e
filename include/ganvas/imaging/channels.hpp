#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// The picture with 1 (gray), 2 (gray+alpha), 3 (RGB) or 4 (RGBA) channels: luma or repetition, transparency dropped or
/// opaque. Bands stay bands: throws Error(data) where these would have to become more or fewer.
Image with_channels(const Image& image, int channels);

}  // namespace ganvas
