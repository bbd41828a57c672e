#include "report/differences.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace ganvas {

namespace {

/// Largest difference of any two pictures in any channel at each pixel; f32.
cv::Mat spread(const std::vector<Image>& pictures) {
  cv::Mat low = pictures.front().pixels.clone(), high = low.clone();
  for (const Image& picture : pictures) {
    cv::min(low, picture.pixels, low);
    cv::max(high, picture.pixels, high);
  }
  std::vector<cv::Mat> channels;
  cv::split(high - low, channels);
  for (const cv::Mat& channel : channels) cv::max(channels.front(), channel, channels.front());
  cv::Mat largest;
  channels.front().convertTo(largest, CV_32F);
  return largest;
}

}  // namespace

std::vector<cv::Rect> largest_differences(const std::vector<Image>& pictures, int side, int count) {
  cv::Mat map = spread(pictures);
  const cv::Size size = map.size();
  // Large pictures are searched on a coarser grid.
  const int grid = std::max(1, static_cast<int>(std::sqrt(static_cast<double>(size.area()) / 1e6)));
  if (grid > 1) cv::resize(map, map, cv::Size(size.width / grid, size.height / grid), 0, 0, cv::INTER_AREA);
  const cv::Size window(std::clamp(side / grid, 1, map.cols), std::clamp(side / grid, 1, map.rows));
  cv::Mat sums;
  cv::boxFilter(map, sums, CV_32F, window, cv::Point(0, 0), /*normalize=*/false, cv::BORDER_CONSTANT);
  // With its anchor at the upper left, a window inside the picture begins in this part.
  sums = sums(cv::Rect(0, 0, map.cols - window.width + 1, map.rows - window.height + 1));
  std::vector<cv::Rect> areas;
  while (static_cast<int>(areas.size()) < count) {
    double largest = 0;
    cv::Point at;
    cv::minMaxLoc(sums, nullptr, &largest, nullptr, &at);
    if (!(largest > 0)) break;
    const int width = std::min(side, size.width), height = std::min(side, size.height);
    areas.emplace_back(std::min(at.x * grid, size.width - width), std::min(at.y * grid, size.height - height), width,
                       height);
    // A cell more than a window away, so that rounding to the grid brings no overlap.
    const int gap_x = window.width + (grid > 1 ? 1 : 0), gap_y = window.height + (grid > 1 ? 1 : 0);
    const cv::Rect taken(at.x - gap_x + 1, at.y - gap_y + 1, 2 * gap_x - 1, 2 * gap_y - 1);
    sums(taken & cv::Rect(cv::Point(), sums.size())).setTo(-1);
  }
  return areas;
}

}  // namespace ganvas
