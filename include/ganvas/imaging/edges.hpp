#pragma once

#include <optional>

#include "ganvas/imaging/image.hpp"

/// Where a photograph has lines: drawings from which an image-to-image network learns to paint.
/// Edges are 255, all else 0: one channel, u8. Colours count by their luma (to_gray); no alpha.
namespace ganvas {

/// J. Canny, A Computational Approach to Edge Detection, PAMI 1986: Gaussian, Sobel gradient, thinning across the edge;
/// then what is above `high`, and what is above `low` and hangs together with such.
/// Thresholds are gradients in Sobel's scale: the edge between flat areas of d levels (of 255) difference has 4 d, less
/// what the Gaussian takes. With one of them alone the other is half or twice of it. With neither, `high` is 0.8 times
/// the median of the gray picture, since contrast follows light, but at least 20: black has noise.
struct CannyOptions {
  double sigma = 1.4;  ///< of the Gaussian, pixels; 0: none
  std::optional<double> low{}, high{};
};
/// Throws Error(usage) for a negative sigma or threshold and for `low` above `high`.
Image canny_edges(const Image& image, const CannyOptions& options = {});

/// D. Marr and E. Hildreth, Theory of Edge Detection, Proc. R. Soc. B 207, 1980: sign changes of the Laplacian of a
/// Gaussian. Their strength is the difference between the samples on either side, times sqrt(2 pi) sigma^3 and in
/// levels (of 255): for a step between flat areas, about its height at every sigma. Lines (8-connected, of strength
/// `weak` times `threshold` and more) stay if they pass `threshold` somewhere, else they would be dotted. Without a
/// threshold it is twice the mean of the absolute Laplacian in the same unit.
struct LogOptions {
  double sigma = 2;  ///< pixels, above 0
  std::optional<double> threshold{};
  double weak = 0.3;  ///< 0..1
};
/// Throws Error(usage) for options out of their ranges.
Image log_edges(const Image& image, const LogOptions& options = {});

}  // namespace ganvas
