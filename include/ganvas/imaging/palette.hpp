#pragma once

#include <array>
#include <vector>

#include "ganvas/imaging/image.hpp"

/// The colours of a picture told to a network: what a drawing doesn't say (a map of a house has no word of its paint),
/// given as further planes of one value each, as BicycleGAN (Zhu et al. 2017) gives its code to the input.
namespace ganvas {

/// Mean of red, green and blue, then their standard deviations doubled: 0..1 each. Gray counts as R = G = B.
using Palette = std::array<float, 6>;

Palette palette_of(const Image& image);

/// The picture with the palette's six planes behind its own, in its own depth.
Image with_palette(const Image& image, const Palette& palette);
/// The first `channels` of such a picture.
Image without_palette(const Image& image, int channels);

/// `count` palettes that stand for all given (k-means of a fixed start); fewer given ones are repeated in turn. `all`
/// not empty.
std::vector<Palette> typical_palettes(const std::vector<Palette>& all, int count);

}  // namespace ganvas
