#include "ganvas/imaging/side_by_side.hpp"

#include <algorithm>
#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/alpha.hpp"

namespace ganvas {

Image side_by_side(const Image& left, const Image& right) {
  if (left.pixels.size() != right.pixels.size())
    fail(ErrorKind::data, "{}x{} and {}x{} can't stand side by side; cut or resize one", left.width(), left.height(),
         right.width(), right.height());
  const Depth depth = std::min(left.depth(), right.depth());
  Image halves[] = {to_depth(over_white(left), depth), to_depth(over_white(right), depth)};
  if (halves[0].channels() != halves[1].channels())
    for (Image& half : halves) half = to_rgb(half);
  Image result;
  cv::hconcat(halves[0].pixels, halves[1].pixels, result.pixels);
  return result;
}

}  // namespace ganvas
