#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "ganvas/imaging/blur_kernel.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

constexpr double pi = std::numbers::pi;

void check_sum_and_symmetry(const cv::Mat& weights) {
  CHECK(weights.type() == CV_32F);
  CHECK(weights.rows == weights.cols);
  CHECK(cv::sum(weights)[0] == doctest::Approx(1).epsilon(1e-5));
  cv::Mat turned;
  cv::flip(weights, turned, -1);
  CHECK(cv::norm(weights, turned, cv::NORM_INF) < 1e-7);
}

/// Second moments of the weights around the middle: xx, yy, xy.
cv::Vec3d moments(const cv::Mat& weights) {
  cv::Vec3d sums;
  const int middle = weights.rows / 2;
  for (int y = 0; y < weights.rows; ++y)
    for (int x = 0; x < weights.cols; ++x) {
      const double dx = x - middle, dy = y - middle, weight = weights.at<float>(y, x);
      sums += weight * cv::Vec3d(dx * dx, dy * dy, dx * dy);
    }
  return sums;
}

double weight(const BlurKernel& kernel, int x, int y) {
  return kernel.weights.at<float>(kernel.size() / 2 + y, kernel.size() / 2 + x);
}

/// Bessel's integral, by the trapezoidal rule, which converges exponentially for a periodic function.
double bessel_j1(double x) {
  constexpr int steps = 200;
  double sum = 0;
  for (int i = 0; i < steps; ++i) {
    const double angle = 2 * pi * i / steps;
    sum += std::cos(angle - x * std::sin(angle));
  }
  return sum / steps;
}

/// Frequency response at `frequency` radians a pixel along x.
double response(const BlurKernel& kernel, double frequency) {
  double sum = 0;
  for (int y = 0; y < kernel.size(); ++y)
    for (int x = 0; x < kernel.size(); ++x)
      sum += kernel.weights.at<float>(y, x) * std::cos(frequency * (x - kernel.size() / 2));
  return sum;
}

}  // namespace

TEST_CASE("blur kernels: sum 1, point symmetric, and no weight below 0 but the low pass's") {
  for (const int size : {1, 7, 13, 21}) {
    const BlurShape shape{2.5, 0.7, 0.8};
    for (const BlurKernel& kernel :
         {gaussian_kernel(size, 0.2), gaussian_kernel(size, 3), generalised_gaussian_kernel(size, shape),
          generalised_gaussian_kernel(size, shape, 0.5), generalised_gaussian_kernel(size, shape, 4),
          plateau_kernel(size, shape, 1), plateau_kernel(size, shape, 2)}) {
      CHECK(kernel.size() == size);
      check_sum_and_symmetry(kernel.weights);
      double low = 0;
      cv::minMaxLoc(kernel.weights, &low);
      CHECK(low >= 0);
    }
    check_sum_and_symmetry(sinc_kernel(size, pi / 3).weights);
  }
  CHECK_THROWS_AS(gaussian_kernel(8, 1), Error);
  CHECK_THROWS_AS(gaussian_kernel(9, 0), Error);
  CHECK_THROWS_AS(plateau_kernel(0, {}, 1), Error);
  CHECK_THROWS_AS(generalised_gaussian_kernel(9, {.along = 0}), Error);
  CHECK_THROWS_AS(sinc_kernel(9, 0), Error);
}

TEST_CASE("blur kernels: an isotropic Gaussian is separable, and any angle of one") {
  for (const double sigma : {0.3, 1.0, 3.0}) {
    const BlurKernel kernel = gaussian_kernel(21, sigma);
    CHECK(cv::norm(kernel.line.t() * kernel.line, kernel.weights, cv::NORM_INF) < 1e-7);
    const BlurKernel turned = generalised_gaussian_kernel(21, {sigma, sigma, 0.6});
    CHECK(cv::norm(turned.weights, kernel.weights, cv::NORM_INF) < 1e-6);
    const Image picture = noise(40, 31, 3, Depth::f32);
    CHECK(cv::norm(kernel.apply(picture.pixels), turned.apply(picture.pixels), cv::NORM_INF) < 1e-5);
  }
}

TEST_CASE("blur kernels: covariance of a turned Gaussian, shapes of exponent beta") {
  const double along = 4, across = 1.5;
  for (const double angle : {0.0, 0.5, pi / 2, 2.2, -1.0}) {
    const cv::Vec3d found = moments(generalised_gaussian_kernel(61, {along, across, angle}).weights);
    const double c = std::cos(angle), s = std::sin(angle), a = along * along, b = across * across;
    CHECK(found[0] == doctest::Approx(c * c * a + s * s * b).epsilon(1e-3));
    CHECK(found[1] == doctest::Approx(s * s * a + c * c * b).epsilon(1e-3));
    CHECK(std::abs(found[2] - c * s * (a - b)) < 0.01);
  }
  for (const double beta : {0.5, 1.0, 3.0}) {
    const BlurShape shape{2, 1, 0};
    const double q = 9 / 4.0 + 4;  // of the sample (3, 2)
    const BlurKernel peak = generalised_gaussian_kernel(9, shape, beta), plateau = plateau_kernel(9, shape, beta);
    CHECK(weight(peak, 3, 2) / weight(peak, 0, 0) == doctest::Approx(std::exp(-std::pow(q, beta) / 2)).epsilon(1e-4));
    CHECK(weight(plateau, 3, -2) / weight(plateau, 0, 0) == doctest::Approx(1 / (1 + std::pow(q, beta))).epsilon(1e-4));
  }
}

TEST_CASE("low pass: Bessel's integral, two implementations, lets through and stops what it should") {
  for (const double cutoff : {pi / 5, pi / 3, 2.0, pi})
    for (const int size : {7, 21}) {
      const BlurKernel kernel = sinc_kernel(size, cutoff);
      const double ratio = weight(kernel, 0, 0) / (cutoff * cutoff / (4 * pi));
      for (int y = 0; y <= size / 2; ++y)
        for (int x = 1; x <= size / 2; ++x) {
          const double r = std::hypot(x, y);
          const double expected = cutoff * bessel_j1(cutoff * r) / (2 * pi * r);
          CHECK(std::cyl_bessel_j(1, cutoff * r) == doctest::Approx(bessel_j1(cutoff * r)).epsilon(1e-9));
          CHECK(std::abs(weight(kernel, x, y) - ratio * expected) < 1e-6);
          CHECK(weight(kernel, y, x) == doctest::Approx(weight(kernel, x, y)));
        }
    }
  const BlurKernel kernel = sinc_kernel(21, pi / 2);
  double low = 0;
  cv::minMaxLoc(kernel.weights, &low);
  CHECK(low < -0.005);
  CHECK(response(kernel, pi / 5) == doctest::Approx(1).epsilon(0.1));
  CHECK(std::abs(response(kernel, 0.8 * pi)) < 0.1);
}
