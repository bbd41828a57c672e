#include <cmath>

#include "ganvas/imaging/noise.hpp"
#include "imaging/pictures.hpp"

using namespace ganvas;
using namespace ganvas::test;

namespace {

struct Moments {
  double mean, deviation;
};

Moments moments_of(const cv::Mat& pixels) {
  cv::Mat flat = pixels.reshape(1, 1), mean, deviation;
  cv::meanStdDev(flat, mean, deviation);
  return {mean.at<double>(0), deviation.at<double>(0)};
}

/// Covariance of the channels.
cv::Mat covariance(const cv::Mat& pixels) {
  cv::Mat samples = pixels.reshape(1, static_cast<int>(pixels.total())), matrix, mean;
  cv::calcCovarMatrix(samples, matrix, mean, cv::COVAR_NORMAL | cv::COVAR_ROWS | cv::COVAR_SCALE, CV_64F);
  return matrix;
}

/// Column x has level x, all 256 of them.
cv::Mat ramp(int rows, int channels) {
  cv::Mat pixels(rows, 256, CV_32FC(channels));
  for (int x = 0; x < 256; ++x) pixels.col(x) = cv::Scalar::all(x / 255.0);
  return pixels;
}

}  // namespace

TEST_CASE("gaussian noise: mean, deviation and shape as asked, channels apart or alike, clipped") {
  Rng rng(5);
  constexpr int side = 300;
  constexpr double samples = 3.0 * side * side;
  for (const double sigma : {0.01, 0.08}) {
    cv::Mat pixels(side, side, CV_32FC3, cv::Scalar::all(0.5));
    add_gaussian_noise(pixels, sigma, false, rng);
    const Moments found = moments_of(pixels);
    CHECK(std::abs(found.mean - 0.5) < 5 * sigma / std::sqrt(samples));
    CHECK(std::abs(found.deviation / sigma - 1) < 5 / std::sqrt(2 * samples));
    const cv::Mat c = covariance(pixels);
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < i; ++j) CHECK(std::abs(c.at<double>(i, j)) / (sigma * sigma) < 5.0 / side);
    const double inside = cv::countNonZero(cv::abs(pixels.reshape(1) - 0.5) < sigma) / samples;
    CHECK(std::abs(inside - std::erf(std::sqrt(0.5))) < 5 * std::sqrt(0.2166 / samples));
  }
  cv::Mat pixels(side, side, CV_32FC3, cv::Scalar(0.3, 0.5, 0.6));
  add_gaussian_noise(pixels, 0.05, true, rng);
  const cv::Mat c = covariance(pixels);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) CHECK(c.at<double>(i, j) == doctest::Approx(0.05 * 0.05).epsilon(0.03));
  pixels.setTo(0);
  add_gaussian_noise(pixels, 0.5, false, rng);
  double low = 0, high = 0;
  cv::minMaxLoc(pixels.reshape(1), &low, &high);
  CHECK(low == 0);
  CHECK(high == 1);
}

TEST_CASE("correlated noise: its covariance, also a singular one") {
  Rng rng(6);
  const cv::Matx33d full(4, 1, 0.5, 1, 2, 0.8, 0.5, 0.8, 3), singular(1, 1, 2, 1, 1, 2, 2, 2, 4);
  for (const cv::Matx33d& shape : {full, singular}) {
    const cv::Matx33d asked = shape * 1e-3;
    cv::Mat pixels(400, 400, CV_32FC3, cv::Scalar::all(0.5));
    add_correlated_noise(pixels, asked, rng);
    CHECK(cv::norm(covariance(pixels), cv::Mat(asked), cv::NORM_INF) < 0.02 * 4e-3);
  }
}

TEST_CASE("shot noise: the variance is the signal over the number of levels, the mean stays") {
  Rng rng(7);
  constexpr int rows = 4000;
  for (const double strength : {0.3, 1.0}) {
    cv::Mat pixels = ramp(rows, 1);
    add_poisson_noise(pixels, strength, false, rng);
    double ratios = 0;
    int columns = 0;
    for (int x = 40; x <= 180; x += 4, ++columns) {  // where neither end of the range is near
      const double value = x / 255.0, variance = strength * strength * value / 256;
      const Moments found = moments_of(pixels.col(x).clone());
      CHECK(std::abs(found.mean - value) < 5 * std::sqrt(variance / rows));
      const double ratio = found.deviation * found.deviation / variance;
      CHECK(std::abs(ratio - 1) < 5 * std::sqrt(2.0 / rows));
      ratios += ratio;
    }
    CHECK(std::abs(ratios / columns - 1) < 5 * std::sqrt(2.0 / rows / columns));
    CHECK(cv::countNonZero(pixels.col(0)) == 0);
  }
}

TEST_CASE("shot noise: few levels make coarse steps of the right probability, gray noise is of the luma") {
  Rng rng(8);
  // Two levels, so counts of mean 2 v are divided by 2.
  cv::Mat pixels(400, 400, CV_32F, cv::Scalar::all(102 / 255.0));
  pixels.at<float>(0, 0) = 0.8f;
  add_poisson_noise(pixels, 1, false, rng);
  const double rate = 0.8, total = 400 * 400;
  const auto share = [&](float value) { return cv::countNonZero(cv::abs(pixels - value) < 1e-5f) / total; };
  CHECK(share(0) + share(0.5f) + share(1) == doctest::Approx(1).epsilon(1e-9));
  CHECK(std::abs(share(0) - std::exp(-rate)) < 0.006);
  CHECK(std::abs(share(0.5f) - rate * std::exp(-rate)) < 0.006);
  // Five levels need three bits.
  pixels = cv::Mat(100, 100, CV_32F, cv::Scalar::all(0.2));
  for (int i = 0; i < 4; ++i) pixels.at<float>(0, i) = static_cast<float>(60 + 20 * i) / 255;
  add_poisson_noise(pixels, 1, false, rng);
  cv::Mat eighths = pixels * 8, whole;
  eighths.convertTo(whole, CV_32S);
  whole.convertTo(whole, CV_32F);
  CHECK(cv::norm(eighths, whole, cv::NORM_INF) < 1e-4);

  cv::Mat colour = ramp(2000, 3);
  const cv::Mat before = colour.clone();
  add_poisson_noise(colour, 0.5, true, rng);
  std::vector<cv::Mat> change;
  cv::split(colour - before, change);
  CHECK(cv::norm(change[0], change[1], cv::NORM_INF) < 1e-6);
  CHECK(cv::norm(change[0], change[2], cv::NORM_INF) < 1e-6);
  const double deviation = moments_of(change[0].col(128).clone()).deviation;
  CHECK(deviation == doctest::Approx(0.5 * std::sqrt(128 / 255.0 / 256)).epsilon(0.08));
}
