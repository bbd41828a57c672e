#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// The picture with 1 (gray), 3 (RGB) or 4 (RGBA) channels: luma or repetition, transparency dropped or opaque.
Image with_channels(const Image& image, int channels);

}  // namespace ganvas
