#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

#include "ganvas/imaging/blur_kernel.hpp"
#include "ganvas/imaging/degrade.hpp"
#include "ganvas/imaging/noise.hpp"
#include "ganvas/imaging/resize.hpp"
#include "imaging/degrade_steps.hpp"

namespace ganvas {

using namespace degrading;

namespace {

const std::vector<ResizeMode> any_mode{ResizeMode::bilinear, ResizeMode::bicubic, ResizeMode::area};

cv::Mat clipped(const cv::Mat& pixels) { return cv::min(cv::max(pixels, 0), 1); }

cv::Size divided(cv::Size size, double by) {
  return {static_cast<int>(size.width / by), static_cast<int>(size.height / by)};
}

/// 1 - uniform: never 0, which would be no kernel at all.
double up_to(double high, Rng& rng) { return high * (1 - rng.uniform()); }

cv::Mat blur(const cv::Mat& pixels, const BsrganOptions& options, int scale, Rng& rng) {
  const int size = options.kernel_sizes.draw(rng);
  if (!happens(options.anisotropic_probability, rng))
    return gaussian_kernel(size, up_to(2 + 0.2 * scale, rng)).apply(pixels);
  BlurShape shape;
  shape.along = std::sqrt(up_to(4.0 + scale, rng));
  shape.across = std::sqrt(up_to(4.0 + scale, rng));
  shape.angle = rng.uniform(0, std::numbers::pi);
  return generalised_gaussian_kernel(size, shape).apply(pixels);
}

cv::Mat halve(const cv::Mat& pixels, Rng& rng) {
  const cv::Size half = divided(pixels.size(), 2);
  if (happens(0.5, rng)) return clipped(resize_to(pixels, half, any_mode, rng));
  return clipped(resize(Image(pixels), half.width, half.height, Interpolation::bicubic).pixels);
}

/// A Gaussian around the middle of every scale x scale block, taken there.
cv::Mat sample_blocks(const cv::Mat& pixels, int scale, double sigma) {
  constexpr int size = 25;
  const double shift = (scale - 1) / 2.0;
  cv::Mat line(1, size, CV_32F);
  const int centre = size / 2;
  for (int x = 0; x < size; ++x) {
    const double distance = (x - centre - shift) / sigma;
    line.at<float>(x) = static_cast<float>(std::exp(-distance * distance / 2));
  }
  line /= cv::sum(line)[0];
  cv::Mat blurred;
  cv::sepFilter2D(pixels, blurred, -1, line, line, {-1, -1}, 0, cv::BORDER_REFLECT_101);
  cv::Mat result((pixels.rows + scale - 1) / scale, (pixels.cols + scale - 1) / scale, pixels.type());
  for (int y = 0; y < result.rows; ++y)
    for (int x = 0; x < result.cols; ++x) result.at<cv::Vec3f>(y, x) = blurred.at<cv::Vec3f>(y * scale, x * scale);
  return result;
}

/// |U' D U| of a random basis U and random variances D. (The absolute values of a positive semidefinite 3 x 3 matrix
/// make such a matrix again.)
cv::Matx33d draw_covariance(double sigma, Rng& rng) {
  cv::Matx33d any, d = cv::Matx33d::zeros();
  for (int i = 0; i < 9; ++i) any.val[i] = rng.uniform();
  for (int i = 0; i < 3; ++i) d(i, i) = rng.uniform();
  cv::Matx31d w;
  cv::Matx33d u, vt;
  cv::SVD::compute(any, w, u, vt);
  cv::Matx33d covariance = u.t() * d * u;
  for (double& value : covariance.val) value = std::abs(value) * sigma * sigma;
  return covariance;
}

void add_noise(cv::Mat& pixels, const BsrganOptions& options, Rng& rng) {
  const int low = static_cast<int>(options.noise_sigma.low), high = static_cast<int>(options.noise_sigma.high);
  const double sigma = (low + static_cast<double>(rng.below(high - low + 1))) / 255;
  const std::size_t kind = pick(options.noise_weights, rng);
  if (kind < 2) add_gaussian_noise(pixels, sigma, kind == 1, rng);
  else add_correlated_noise(pixels, draw_covariance(high / 255.0, rng), rng);
}

enum class Step { blur, blur_again, shrink, shrink_to_size, noise, jpeg };

std::array<Step, 6> draw_order(Rng& rng) {
  std::array order{Step::blur, Step::blur_again, Step::shrink, Step::shrink_to_size, Step::noise, Step::jpeg};
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  const auto shrink = std::find(order.begin(), order.end(), Step::shrink);
  const auto to_size = std::find(order.begin(), order.end(), Step::shrink_to_size);
  if (shrink > to_size) std::swap(*shrink, *to_size);
  return order;
}

}  // namespace

Image degrade(const Image& hr, const BsrganOptions& options, int scale, Rng& rng) {
  cv::Mat pixels = start(hr, scale);
  const cv::Size target = divided(pixels.size(), scale);
  int rest = scale;
  if (scale == 4 && happens(options.halve_probability, rng)) {
    pixels = halve(pixels, rng);
    rest = 2;
  }
  for (const Step step : draw_order(rng)) switch (step) {
      case Step::blur:
      case Step::blur_again:
        pixels = blur(pixels, options, rest, rng);
        break;
      case Step::shrink:
        if (happens(options.free_shrink_probability, rng))
          pixels = resize_to(pixels, divided(pixels.size(), rng.uniform(1, 2.0 * rest)), any_mode, rng);
        else pixels = sample_blocks(pixels, rest, rng.uniform(0.1, 0.6 * rest));
        pixels = clipped(pixels);
        break;
      case Step::shrink_to_size:
        pixels = clipped(resize_to(pixels, target, any_mode, rng));
        break;
      case Step::noise:
        add_noise(pixels, options, rng);
        break;
      case Step::jpeg:
        if (happens(options.jpeg_probability, rng)) pixels = compress(pixels, options.jpeg_quality, rng);
        break;
    }
  return finish(compress(pixels, options.jpeg_quality, rng));
}

}  // namespace ganvas
