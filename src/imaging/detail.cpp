#include "ganvas/imaging/detail.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>

#include "ganvas/imaging/resize.hpp"

namespace ganvas {

namespace {

constexpr int window = 9;
constexpr float least_variance = 1e-4F, most_gain = 1.5F;

float luma_of(const float* rgb) { return 0.299F * rgb[0] + 0.587F * rgb[1] + 0.114F * rgb[2]; }

cv::Mat luma_of(const cv::Mat& rgb) {
  cv::Mat luma(rgb.size(), CV_32F);
  for (int y = 0; y < rgb.rows; ++y)
    for (int x = 0; x < rgb.cols; ++x) luma.ptr<float>(y)[x] = luma_of(rgb.ptr<float>(y) + 3 * x);
  return luma;
}

cv::Mat windowed_mean(const cv::Mat& x) {
  cv::Mat mean;
  cv::boxFilter(x, mean, CV_32F, {window, window}, {-1, -1}, true, cv::BORDER_REPLICATE);
  return mean;
}

/// The slope of the local line from the guide to the result.
cv::Mat local_gain(const cv::Mat& guide, const cv::Mat& result) {
  const cv::Mat a = windowed_mean(guide), b = windowed_mean(result);
  const cv::Mat variance = windowed_mean(guide.mul(guide)) - a.mul(a);
  const cv::Mat covariance = windowed_mean(guide.mul(result)) - a.mul(b);
  cv::Mat gain = covariance / (variance + cv::Scalar(least_variance));
  return windowed_mean(cv::min(cv::max(gain, 0.0), most_gain));
}

/// Keys' cubic convolution, a = -0.5, at four neighbours.
std::array<float, 4> cubic_weights(double t) {
  return {static_cast<float>(((-0.5 * t + 1) * t - 0.5) * t), static_cast<float>((1.5 * t - 2.5) * t * t + 1),
          static_cast<float>(((-1.5 * t + 2) * t + 0.5) * t), static_cast<float>((0.5 * t - 0.5) * t * t)};
}

}  // namespace

DetailEnlarger::DetailEnlarger(const cv::Mat& small, const cv::Mat& small_result, cv::Size size)
    : size_(size), small_rows_(small.rows) {
  const cv::Mat luma = luma_of(small), gain = local_gain(luma, luma_of(small_result));
  cv::Mat guide;
  cv::merge(std::vector<cv::Mat>{luma, gain}, guide);
  result_ = resize(Image(small_result), size.width, small.rows).pixels;
  guide_ = resize(Image(guide), size.width, small.rows).pixels;
}

cv::Mat DetailEnlarger::rows(int begin, const cv::Mat& content) const {
  cv::Mat out(content.rows, size_.width, CV_32FC3);
  cv::parallel_for_(cv::Range(0, out.rows), [&](const cv::Range& range) {
    for (int y = range.start; y < range.end; ++y) {
      const double centre = (begin + y + 0.5) * small_rows_ / size_.height - 0.5, floor = std::floor(centre);
      const auto weights = cubic_weights(centre - floor);
      std::array<const float*, 4> results{}, guides{};
      for (int k = 0; k < 4; ++k) {
        const int row = std::clamp(static_cast<int>(floor) - 1 + k, 0, small_rows_ - 1);
        results[k] = result_.ptr<float>(row);
        guides[k] = guide_.ptr<float>(row);
      }
      const auto at = [&](const std::array<const float*, 4>& from, int i) {
        return weights[0] * from[0][i] + weights[1] * from[1][i] + weights[2] * from[2][i] + weights[3] * from[3][i];
      };
      auto* result = out.ptr<float>(y);
      const auto* own = content.ptr<float>(y);
      for (int x = 0; x < size_.width; ++x) {
        const float detail = at(guides, 2 * x + 1) * (luma_of(own + 3 * x) - at(guides, 2 * x));
        for (int c = 0; c < 3; ++c) result[3 * x + c] = at(results, 3 * x + c) + detail;
      }
    }
  });
  return out;
}

}  // namespace ganvas
