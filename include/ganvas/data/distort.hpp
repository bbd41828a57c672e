#pragma once

#include "ganvas/core/rng.hpp"
#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// A damaged copy, for learning how unlike pictures look: one or two of blur, noise (fine, coarse), JPEG, shrinking and
/// enlarging (smooth, blocky), a shift, waves, colours, sharpening, median and scattered pixels; then a blend with the
/// original of random strength. u8 RGB of the same size; what is drawn depends on `rng` alone.
Image distort(const Image& picture, Rng& rng);

}  // namespace ganvas
