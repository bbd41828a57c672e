#pragma once

#include <opencv2/core/types.hpp>
#include <vector>

#include "ganvas/imaging/image.hpp"

namespace ganvas {

/// At most `count` squares of `side` pixels (less where the picture is smaller) that don't overlap, where the pictures
/// differ most: the largest sum over the area of the largest difference between any two of them in any channel.
/// Greatest first; areas without any difference are left out. The pictures have the same size; u8, RGB.
std::vector<cv::Rect> largest_differences(const std::vector<Image>& pictures, int side, int count);

}  // namespace ganvas
