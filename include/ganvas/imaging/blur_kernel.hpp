#pragma once

#include <opencv2/core/mat.hpp>

namespace ganvas {

/// A blur that pictures are degraded with: size x size weights (CV_32F, odd size, point symmetric, sum 1). Kernels that
/// are an outer product of a line with itself hold that line (1 x size) too and are applied as two passes.
struct BlurKernel {
  cv::Mat weights;
  cv::Mat line;

  int size() const { return weights.rows; }
  /// Blurs a float picture of any channel count; the border is reflected (without repeating the edge sample).
  cv::Mat apply(const cv::Mat& pixels) const;
};

/// Width of a blur along its two axes in pixels, and how far these are turned, in radians.
struct BlurShape {
  double along = 1, across = 1, angle = 0;
};

/// Isotropic Gaussian of standard deviation `sigma` pixels.
BlurKernel gaussian_kernel(int size, double sigma);

// With q = x' S^-1 x, S the covariance of the shape (Wang et al., Real-ESRGAN, 2021, section 3.1):

/// exp(-q^beta / 2); beta 1 is a Gaussian, below it has a sharper peak, above a flatter one (Liu et al., 2020).
BlurKernel generalised_gaussian_kernel(int size, const BlurShape& shape, double beta = 1);
/// 1 / (1 + q^beta).
BlurKernel plateau_kernel(int size, const BlurShape& shape, double beta);

/// The ideal circular low pass of `cutoff` radians a pixel (0..pi), cut off at the kernel's border: cutoff J1(cutoff r)
/// / (2 pi r). It rings, as pictures that were sharpened or resized do; some weights are negative (section 3.3).
BlurKernel sinc_kernel(int size, double cutoff);

}  // namespace ganvas
