#pragma once

#include <opencv2/core/mat.hpp>

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// Brings what was made of a small copy of a picture back to the picture's size: the small result enlarged (bicubic),
/// plus the picture's own fine luma, which the copy had lost, times how much of the coarse one went into the result.
/// That factor is the slope of the guided filter (He, Sun and Tang 2013, eq. 5), with windows of 9x9 small pixels and
/// an epsilon of 1e-4, within 0 to 1.5. Row by row: no float picture of the full size ever exists.
class DetailEnlarger {
 public:
  /// small, small_result: f32 RGB in 0..1 of one size; `size`: the picture's.
  DetailEnlarger(const cv::Mat& small, const cv::Mat& small_result, cv::Size size);
  /// Rows from `begin` on, as many as `content` has: the picture's own there, f32 RGB. Not clamped.
  cv::Mat rows(int begin, const cv::Mat& content) const;

 private:
  cv::Size size_;
  int small_rows_;
  cv::Mat result_, guide_;  ///< as wide as the picture, as high as the copy: RGB; luma and factor
};

}  // namespace ganvas
