#include "ganvas/imaging/contact_sheet.hpp"

#include <algorithm>
#include <opencv2/core.hpp>

#include "ganvas/core/division.hpp"

namespace ganvas {

Image contact_sheet(const std::vector<Image>& pictures, int columns) {
  const auto first =
      std::find_if(pictures.begin(), pictures.end(), [](const Image& picture) { return !picture.empty(); });
  const cv::Mat& one = first->pixels;
  const int rows = divided_up(static_cast<int>(pictures.size()), columns);
  cv::Mat whole(rows * one.rows, columns * one.cols, one.type(), cv::Scalar::all(max_value(first->depth())));
  for (int i = 0; i < static_cast<int>(pictures.size()); ++i)
    if (const Image& picture = pictures[static_cast<std::size_t>(i)]; !picture.empty())
      picture.pixels.copyTo(whole(cv::Rect(i % columns * one.cols, i / columns * one.rows, one.cols, one.rows)));
  return Image(whole);
}

}  // namespace ganvas
