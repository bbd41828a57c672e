#pragma once

#include <opencv2/core/matx.hpp>

#include "ganvas/imaging/image.hpp"

/// The colours of one picture with another's structure.
namespace ganvas {

/// Mean, deviation (unbiased) and covariance of the standardised channels, of RGB in 0..1.
struct ColourStatistics {
  cv::Vec3d mean{}, deviation{};
  cv::Matx33d correlation{};  ///< mean of the outer products of the standardised channels
  double pixels = 0;          ///< transparent ones count by their alpha
};
/// Gray counts as R = G = B.
ColourStatistics colours_of(const Image& image);

/// CORAL (Sun et al. 2016), as AdaIN's published code has it: standardised, whitened, coloured like `wanted`, f32 RGB,
/// not clamped. There the matrices are sums over pixels, so that pictures of different sizes also differ in contrast by
/// the root of the ratio; here they are means. Alpha is dropped.
Image with_colours(const Image& image, const ColourStatistics& wanted);

/// `result` (f32 RGB) gets the Cb and Cr of `content` and keeps its own luma (BT.601); in place, not clamped.
void keep_chroma(cv::Mat& result, const cv::Mat& content);

}  // namespace ganvas
