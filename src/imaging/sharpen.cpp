#include "ganvas/imaging/sharpen.hpp"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

cv::Mat blur(const cv::Mat& pixels, int side) {
  cv::Mat result;
  cv::GaussianBlur(pixels, result, {side, side}, 0, 0, cv::BORDER_REFLECT_101);
  return result;
}

/// All in 0..1.
cv::Mat sharpen_band(const cv::Mat& band, int side, const SharpenOptions& options) {
  cv::Mat pixels;
  band.convertTo(pixels, CV_32F, 1 / 255.0);
  const cv::Mat difference = pixels - blur(pixels, side);
  cv::Mat mask = cv::abs(difference);
  cv::threshold(mask, mask, options.threshold / 255, 1, cv::THRESH_BINARY);
  cv::Mat sharp;
  cv::scaleAdd(difference, options.weight, pixels, sharp);
  sharp = cv::min(cv::max(sharp, 0), 1);
  sharp -= pixels;
  return pixels + sharp.mul(blur(mask, side));
}

}  // namespace

Image usm_sharpen(const Image& image, const SharpenOptions& options) {
  if (image.depth() != Depth::u8 || image.has_alpha())
    fail(ErrorKind::usage, "only 8-bit pictures without alpha are sharpened");
  if (options.radius < 1) fail(ErrorKind::usage, "sharpening needs a radius of at least 1, not {}", options.radius);
  const int side = options.radius | 1, rows = 256;
  // The blur of the mask of a blur: a band needs one whole window around it.
  const int around = side - 1;
  Image result(image.width(), image.height(), image.channels(), Depth::u8);
  for (int y = 0; y < image.height(); y += rows) {
    const int end = std::min(y + rows, image.height());
    const int top = std::max(0, y - around), bottom = std::min(image.height(), end + around);
    const cv::Mat sharp = sharpen_band(image.pixels.rowRange(top, bottom).clone(), side, options);
    sharp.rowRange(y - top, end - top).convertTo(result.pixels.rowRange(y, end), CV_8U, 255);
  }
  return result;
}

}  // namespace ganvas
