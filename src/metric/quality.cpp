#include "ganvas/metric/quality.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/colour.hpp"

namespace ganvas {

namespace {

double psnr(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat x, y;
  a.convertTo(x, CV_64F);
  b.convertTo(y, CV_64F);
  const double error = cv::norm(x, y, cv::NORM_L2SQR) / (static_cast<double>(a.total()) * a.channels());
  return error > 0 ? 10.0 * std::log10(255.0 * 255.0 / error) : std::numeric_limits<double>::infinity();
}

/// Gaussian window over the valid region only, as the papers' MATLAB code does.
cv::Mat window_mean(const cv::Mat& image, int size) {
  static const cv::Mat kernel = cv::getGaussianKernel(11, 1.5, CV_64F);
  cv::Mat filtered;
  cv::sepFilter2D(image, filtered, CV_64F, kernel, kernel);
  const int margin = size / 2;
  return filtered(cv::Rect(margin, margin, image.cols - 2 * margin, image.rows - 2 * margin));
}

double ssim(const cv::Mat& luma_a, const cv::Mat& luma_b) {
  constexpr int size = 11;
  constexpr double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
  if (luma_a.cols < size || luma_a.rows < size) return std::numeric_limits<double>::quiet_NaN();
  cv::Mat a, b;
  luma_a.convertTo(a, CV_64F);
  luma_b.convertTo(b, CV_64F);
  const cv::Mat mean_a = window_mean(a, size), mean_b = window_mean(b, size);
  const cv::Mat mean_aa = mean_a.mul(mean_a), mean_bb = mean_b.mul(mean_b), mean_ab = mean_a.mul(mean_b);
  const cv::Mat var_a = window_mean(a.mul(a), size) - mean_aa;
  const cv::Mat var_b = window_mean(b.mul(b), size) - mean_bb;
  const cv::Mat covariance = window_mean(a.mul(b), size) - mean_ab;
  const cv::Mat numerator = (2 * mean_ab + c1).mul(2 * covariance + c2);
  const cv::Mat denominator = (mean_aa + mean_bb + c1).mul(var_a + var_b + c2);
  cv::Mat map;
  cv::divide(numerator, denominator, map);
  return cv::mean(map)[0];
}

}  // namespace

Quality compare_pictures(const Image& result, const Image& reference, int border, int tolerance) {
  const int width = std::min(result.width(), reference.width());
  const int height = std::min(result.height(), reference.height());
  if (std::abs(result.width() - reference.width()) >= tolerance ||
      std::abs(result.height() - reference.height()) >= tolerance)
    fail(ErrorKind::data, "sizes don't match: {}x{} against {}x{}", result.width(), result.height(), reference.width(),
         reference.height());
  const cv::Rect inner(border, border, width - 2 * border, height - 2 * border);
  if (inner.width < 1 || inner.height < 1)
    fail(ErrorKind::data, "{}x{} is too small to compare with a border of {}", width, height, border);
  const bool gray = colour_part(reference).channels() == 1;
  const auto prepare = [&](const Image& image) {
    const Image colour = colour_part(image);
    return to_depth(Image((gray ? to_gray(colour) : to_rgb(colour)).pixels(inner).clone()), Depth::u8);
  };
  const Image a = prepare(result), b = prepare(reference);
  const Image luma_a = gray ? a : luma_bt601(a), luma_b = gray ? b : luma_bt601(b);
  return {.psnr_y = psnr(luma_a.pixels, luma_b.pixels),
          .psnr_rgb = psnr(a.pixels, b.pixels),
          .ssim_y = ssim(luma_a.pixels, luma_b.pixels)};
}

}  // namespace ganvas
