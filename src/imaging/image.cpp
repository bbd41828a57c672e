#include "ganvas/imaging/image.hpp"

#include <opencv2/imgproc.hpp>

#include "ganvas/core/error.hpp"

namespace ganvas {
namespace {

int matrix_type(Depth depth) {
  switch (depth) {
    case Depth::u8:
      return CV_8U;
    case Depth::u16:
      return CV_16U;
    case Depth::f32:
      return CV_32F;
  }
  fail(ErrorKind::internal, "unknown sample depth");
}

void require_colour(const Image& image) {
  if (image.channels() != 1 && image.channels() != 3)
    fail(ErrorKind::data, "a picture of {} channels where 1 or 3 are wanted", image.channels());
}

}  // namespace

Image::Image(cv::Mat matrix) : pixels(std::move(matrix)) {
  if (pixels.empty()) return;
  const int depth = pixels.depth();
  if ((depth != CV_8U && depth != CV_16U && depth != CV_32F) || pixels.channels() > most_channels || pixels.dims != 2)
    fail(ErrorKind::internal, "a matrix of type {} is no picture", cv::typeToString(pixels.type()));
}

Image::Image(int width, int height, int channels, Depth depth)
    : Image(cv::Mat(height, width, CV_MAKETYPE(matrix_type(depth), channels))) {}

Depth Image::depth() const {
  switch (pixels.depth()) {
    case CV_16U:
      return Depth::u16;
    case CV_32F:
      return Depth::f32;
    default:
      return Depth::u8;
  }
}

double max_value(Depth depth) {
  switch (depth) {
    case Depth::u8:
      return 255;
    case Depth::u16:
      return 65535;
    case Depth::f32:
      return 1;
  }
  fail(ErrorKind::internal, "unknown sample depth");
}

Image to_depth(const Image& image, Depth depth) {
  if (image.empty() || image.depth() == depth) return image;
  Image result;
  image.pixels.convertTo(result.pixels, matrix_type(depth), max_value(depth) / max_value(image.depth()));
  return result;
}

Image colour_part(const Image& image) {
  Image result;
  if (image.channels() == 2) cv::extractChannel(image.pixels, result.pixels, 0);
  else if (image.channels() == 4) cv::cvtColor(image.pixels, result.pixels, cv::COLOR_RGBA2RGB);
  else if (image.channels() > 4) {
    result = Image(image.width(), image.height(), 3, image.depth());
    const int pairs[] = {0, 0, 1, 1, 2, 2};
    cv::mixChannels(&image.pixels, 1, &result.pixels, 1, pairs, 3);
  } else result = image;
  return result;
}

Image alpha_part(const Image& image) {
  Image result;
  if (image.has_alpha()) cv::extractChannel(image.pixels, result.pixels, image.channels() - 1);
  return result;
}

Image with_alpha(const Image& colour, const Image& alpha) {
  require_colour(colour);
  if (alpha.channels() != 1 || alpha.pixels.size() != colour.pixels.size() || alpha.depth() != colour.depth())
    fail(ErrorKind::internal, "an alpha plane that does not fit its colours");
  Image result(colour.width(), colour.height(), colour.channels() + 1, colour.depth());
  const cv::Mat sources[] = {colour.pixels, alpha.pixels};
  const int gray_pairs[] = {0, 0, 1, 1}, rgb_pairs[] = {0, 0, 1, 1, 2, 2, 3, 3};
  const bool gray = colour.channels() == 1;
  cv::mixChannels(sources, 2, &result.pixels, 1, gray ? gray_pairs : rgb_pairs, gray ? 2 : 4);
  return result;
}

Image to_rgb(const Image& colour) {
  require_colour(colour);
  if (colour.channels() == 3) return colour;
  Image result;
  cv::cvtColor(colour.pixels, result.pixels, cv::COLOR_GRAY2RGB);
  return result;
}

Image to_gray(const Image& colour) {
  require_colour(colour);
  if (colour.channels() == 1) return colour;
  Image result;
  cv::cvtColor(colour.pixels, result.pixels, cv::COLOR_RGB2GRAY);
  return result;
}

cv::Mat luma_of(const Image& image) {
  cv::Mat luma;
  const Image gray = to_gray(colour_part(image));
  gray.pixels.convertTo(luma, CV_32F, 255.0 / max_value(gray.depth()));
  return luma;
}

}  // namespace ganvas
