#include "ganvas/imaging/recolour.hpp"

#include <cmath>
#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

constexpr double flat = 1e-6;  ///< a deviation below this is no contrast but rounding

cv::Mat float_rgb(const Image& image) {
  cv::Mat rgb;
  to_rgb(colour_part(image)).pixels.convertTo(rgb, CV_32F, 1 / max_value(image.depth()));
  return rgb;
}

cv::Mat weights_of(const Image& image) {
  cv::Mat weights(image.height(), image.width(), CV_32F, cv::Scalar(1));
  if (image.has_alpha()) alpha_part(image).pixels.convertTo(weights, CV_32F, 1 / max_value(image.depth()));
  return weights;
}

template <typename Function>
void for_each_pixel(const cv::Mat& rgb, const cv::Mat& weights, const Function& function) {
  for (int y = 0; y < rgb.rows; ++y) {
    const auto* pixel = rgb.ptr<cv::Vec3f>(y);
    const auto* weight = weights.ptr<float>(y);
    for (int x = 0; x < rgb.cols; ++x) function(cv::Vec3d(pixel[x]), static_cast<double>(weight[x]));
  }
}

cv::Vec3d standardised(const cv::Vec3d& colour, const ColourStatistics& by) {
  cv::Vec3d result;
  for (int c = 0; c < 3; ++c) result[c] = by.deviation[c] > flat ? (colour[c] - by.mean[c]) / by.deviation[c] : 0.0;
  return result;
}

/// A symmetric positive matrix to the power of 1/2 or -1/2.
cv::Matx33d power(const cv::Matx33d& matrix, double exponent) {
  cv::Vec3d values;
  cv::Matx33d vectors;  // as rows
  cv::eigen(matrix, values, vectors);
  for (double& value : values.val) value = std::pow(std::max(value, 1e-12), exponent);
  return vectors.t() * cv::Matx33d::diag(values) * vectors;
}

}  // namespace

ColourStatistics colours_of(const Image& image) {
  const cv::Mat rgb = float_rgb(image), weights = weights_of(image);
  ColourStatistics found;
  for_each_pixel(rgb, weights, [&](const cv::Vec3d& colour, double weight) {
    found.mean += colour * weight;
    found.pixels += weight;
  });
  if (found.pixels <= 0) return found;
  found.mean = found.mean * (1 / found.pixels);
  cv::Vec3d squares;
  for_each_pixel(rgb, weights, [&](const cv::Vec3d& colour, double weight) {
    for (int c = 0; c < 3; ++c) squares[c] += weight * (colour[c] - found.mean[c]) * (colour[c] - found.mean[c]);
  });
  for (int c = 0; c < 3; ++c) found.deviation[c] = std::sqrt(squares[c] / std::max(found.pixels - 1, 1.0));
  for_each_pixel(rgb, weights, [&](const cv::Vec3d& colour, double weight) {
    const cv::Vec3d x = standardised(colour, found);
    found.correlation += cv::Matx33d(x * x.t()) * weight;
  });
  found.correlation = found.correlation * (1 / found.pixels);
  return found;
}

Image with_colours(const Image& image, const ColourStatistics& wanted) {
  const ColourStatistics own = colours_of(image);
  cv::Mat rgb = float_rgb(image);
  if (own.pixels <= 0 || wanted.pixels <= 0) return Image(rgb);
  // The published code adds the identity to sums over pixels.
  const auto regular = [](const ColourStatistics& s) { return s.correlation + cv::Matx33d::eye() * (1 / s.pixels); };
  const cv::Matx33d turn = power(regular(wanted), 0.5) * power(regular(own), -0.5);
  for (int y = 0; y < rgb.rows; ++y) {
    auto* pixel = rgb.ptr<cv::Vec3f>(y);
    for (int x = 0; x < rgb.cols; ++x) {
      const cv::Vec3d turned = turn * standardised(cv::Vec3d(pixel[x]), own);
      for (int c = 0; c < 3; ++c) pixel[x][c] = static_cast<float>(turned[c] * wanted.deviation[c] + wanted.mean[c]);
    }
  }
  return Image(rgb);
}

void keep_chroma(cv::Mat& result, const cv::Mat& content) {
  if (result.type() != CV_32FC3 || content.type() != CV_32FC3 || result.size() != content.size())
    fail(ErrorKind::internal, "chroma is kept between float pictures of one size");
  const auto luma = [](const cv::Vec3f& c) { return 0.299F * c[0] + 0.587F * c[1] + 0.114F * c[2]; };
  for (int y = 0; y < result.rows; ++y) {
    auto* out = result.ptr<cv::Vec3f>(y);
    const auto* in = content.ptr<cv::Vec3f>(y);
    for (int x = 0; x < result.cols; ++x) {
      // Equal shifts of R, G and B are shifts of luma alone.
      const float shift = luma(out[x]) - luma(in[x]);
      out[x] = in[x] + cv::Vec3f::all(shift);
    }
  }
}

}  // namespace ganvas
