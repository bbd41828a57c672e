#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

enum class Interpolation {
  bicubic,  ///< Keys a = -0.5, widened by the scale when shrinking: MATLAB's imresize, the field's LR maker
  lanczos,  ///< Lanczos-3, widened when shrinking
  area,     ///< box average (shrinking); bilinear when enlarging
  pillow,   ///< bicubic, but beyond the border nothing is repeated: the weights inside make up for those outside, as in
            ///< Pillow (PIL) and torchvision. Of float pictures the result is Pillow's (mode F)
};

/// Resizes to exactly width x height. Beyond the border the edge sample is repeated, arithmetic in float, results
/// rounded and saturated. Bicubic is MATLAB's imresize(im, [h w]): the benchmarks' LR files come out exactly. (Later
/// MATLABs mirror at the border instead, which moves the outermost two output samples.)
/// Alpha is a plane like any other: bleed colours first (alpha.hpp) where that matters.
Image resize(const Image& image, int width, int height, Interpolation interpolation = Interpolation::bicubic);

/// MATLAB imresize(im, 1/factor) of a picture cropped to a multiple of `factor`: the LR maker of the benchmarks.
Image shrink_bicubic(const Image& image, int factor);

}  // namespace ganvas
