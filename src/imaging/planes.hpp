#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <vector>

namespace ganvas {

/// What `work(plane, index)` makes of each channel by itself: for the many channels that OpenCV's own functions refuse.
template <typename Work>
cv::Mat each_plane(const cv::Mat& pixels, const Work& work) {
  std::vector<cv::Mat> planes;
  cv::split(pixels, planes);
  for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = work(planes[i], static_cast<int>(i));
  cv::Mat merged;
  cv::merge(planes, merged);
  return merged;
}

}  // namespace ganvas
