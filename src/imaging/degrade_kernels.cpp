#include <math.h>  // j1() is POSIX

#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/blur_kernel.hpp"

namespace ganvas {

namespace {

void require_odd(int size) {
  if (size < 1 || size % 2 == 0) fail(ErrorKind::usage, "a blur kernel's size must be odd, not {}", size);
}

/// Weights `value(x, y)` with (0, 0) in the middle, normalised. Symmetry halves the evaluations.
template <typename Value>
BlurKernel kernel_of(int size, Value value) {
  require_odd(size);
  const int middle = size / 2;
  cv::Mat weights(size, size, CV_64F);
  for (int y = 0; y <= middle; ++y)
    for (int x = 0; x < size; ++x)
      weights.at<double>(y, x) = weights.at<double>(size - 1 - y, size - 1 - x) = value(x - middle, y - middle);
  BlurKernel kernel;
  weights.convertTo(kernel.weights, CV_32F, 1 / cv::sum(weights)[0]);
  return kernel;
}

/// q = x' S^-1 x.
class Distance {
 public:
  explicit Distance(const BlurShape& shape) {
    if (!(shape.along > 0 && shape.across > 0)) fail(ErrorKind::usage, "a blur's width must be above 0");
    const double c = std::cos(shape.angle), s = std::sin(shape.angle);
    const double along = 1 / (shape.along * shape.along), across = 1 / (shape.across * shape.across);
    xx_ = c * c * along + s * s * across;
    yy_ = s * s * along + c * c * across;
    xy_ = 2 * c * s * (along - across);
  }
  double operator()(double x, double y) const { return std::max(0.0, xx_ * x * x + yy_ * y * y + xy_ * x * y); }

 private:
  double xx_, yy_, xy_;
};

}  // namespace

cv::Mat BlurKernel::apply(const cv::Mat& pixels) const {
  cv::Mat result;
  if (!line.empty()) cv::sepFilter2D(pixels, result, -1, line, line, {-1, -1}, 0, cv::BORDER_REFLECT_101);
  else cv::filter2D(pixels, result, -1, weights, {-1, -1}, 0, cv::BORDER_REFLECT_101);
  return result;
}

BlurKernel gaussian_kernel(int size, double sigma) {
  require_odd(size);
  if (!(sigma > 0)) fail(ErrorKind::usage, "a blur's width must be above 0");
  cv::Mat line(1, size, CV_64F);
  const int centre = size / 2;
  for (int x = 0; x < size; ++x) {
    const double distance = (x - centre) / sigma;
    line.at<double>(x) = std::exp(-distance * distance / 2);
  }
  line /= cv::sum(line)[0];
  BlurKernel kernel;
  const cv::Mat square = line.t() * line;
  square.convertTo(kernel.weights, CV_32F);
  line.convertTo(kernel.line, CV_32F);
  return kernel;
}

BlurKernel generalised_gaussian_kernel(int size, const BlurShape& shape, double beta) {
  const Distance distance(shape);
  if (beta == 1) return kernel_of(size, [&](double x, double y) { return std::exp(-distance(x, y) / 2); });
  return kernel_of(size, [&](double x, double y) { return std::exp(-std::pow(distance(x, y), beta) / 2); });
}

BlurKernel plateau_kernel(int size, const BlurShape& shape, double beta) {
  const Distance distance(shape);
  return kernel_of(size, [&](double x, double y) { return 1 / (1 + std::pow(distance(x, y), beta)); });
}

BlurKernel sinc_kernel(int size, double cutoff) {
  if (!(cutoff > 0)) fail(ErrorKind::usage, "a low pass needs a cutoff above 0");
  return kernel_of(size, [cutoff](double x, double y) {
    const double r = std::hypot(x, y);
    if (r == 0) return cutoff * cutoff / (4 * std::numbers::pi);
    return cutoff * ::j1(cutoff * r) / (2 * std::numbers::pi * r);
  });
}

}  // namespace ganvas
