#include "ganvas/imaging/fit.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

#include "ganvas/imaging/resize.hpp"

namespace ganvas {

Image fitted(const Image& image, int width, int height, bool pad) {
  const double across = static_cast<double>(width) / image.width(), down = static_cast<double>(height) / image.height();
  const double factor = pad ? std::min(across, down) : std::max(across, down);
  const auto side = [factor, pad](int length, int wanted) {
    const int scaled = std::max(1, static_cast<int>(std::lround(length * factor)));
    return pad ? std::min(scaled, wanted) : std::max(scaled, wanted);
  };
  const int w = side(image.width(), width), h = side(image.height(), height);
  // Box averages lose detail and simple bicubic aliases; the published data sets are made with a wide filter.
  const Image resized = image.width() == w && image.height() == h ? image : resize(image, w, h, Interpolation::lanczos);
  if (!pad) return Image(resized.pixels(cv::Rect((w - width) / 2, (h - height) / 2, width, height)).clone());
  cv::Mat whole(height, width, resized.pixels.type(), cv::Scalar::all(128));
  resized.pixels.copyTo(whole(cv::Rect((width - w) / 2, (height - h) / 2, w, h)));
  return Image(whole);
}

}  // namespace ganvas
