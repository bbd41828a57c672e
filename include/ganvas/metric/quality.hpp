#pragma once

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Full-reference quality of a picture, by the protocol of the super-resolution papers.
struct Quality {
  double psnr_y = 0;    ///< dB on BT.601 luma (MATLAB), peak 255; +inf for equal pictures
  double psnr_rgb = 0;  ///< dB over all colour samples
  double ssim_y = 0;    ///< 11x11 Gaussian, sigma 1.5, valid region, on luma (Wang et al. 2004)
};

/// Compares on 8 bit; `border` pixels are left out on each side (papers: the scale). Where sizes differ by less than
/// `tolerance` (papers crop the ground truth to a multiple of the scale), both are cropped to the common size.
/// Alpha is ignored. Against a gray reference the gray levels themselves are compared, not squeezed into
/// luma's 16..235, as the papers' code does (Set14 holds one such picture; it moves the mean by 0.1 dB). Throws
/// Error(data) when sizes don't match or nothing is left.
Quality compare_pictures(const Image& result, const Image& reference, int border, int tolerance = 4);

}  // namespace ganvas
