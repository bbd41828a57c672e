#include "ganvas/imaging/edges.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "ganvas/core/error.hpp"

namespace ganvas {

namespace {

double median(const cv::Mat& gray) {
  std::vector<std::size_t> counts(256);
  for (int y = 0; y < gray.rows; ++y)
    for (const auto *sample = gray.ptr(y), *end = sample + gray.cols; sample != end; ++sample) ++counts[*sample];
  std::size_t seen = 0;
  int level = 0;
  for (; level < 255; ++level)
    if (seen += counts[level]; 2 * seen >= gray.total()) break;
  return level;
}

struct Thresholds {
  double low, high;
};

Thresholds thresholds_for(const cv::Mat& gray, const CannyOptions& options) {
  const double high = options.high  ? *options.high
                      : options.low ? 2 * *options.low
                                    : std::max(0.8 * median(gray), 20.0);
  return {options.low.value_or(high / 2), high};
}

/// How much the Laplacian changes where its sign does, else 0. Of the two samples beside a change, the one nearer to
/// zero is marked: the line is one pixel wide.
cv::Mat crossings(const cv::Mat& laplacian) {
  cv::Mat strength(laplacian.size(), CV_32F, cv::Scalar(0));
  const auto mark = [&](int y, int x, float change) {
    float& here = strength.at<float>(y, x);
    here = std::max(here, std::abs(change));
  };
  for (int y = 0; y < laplacian.rows; ++y)
    for (int x = 0; x < laplacian.cols; ++x)
      for (const auto& [down, right] : {cv::Point(0, 1), cv::Point(1, 0)}) {
        if (y + down >= laplacian.rows || x + right >= laplacian.cols) continue;
        const float here = laplacian.at<float>(y, x), next = laplacian.at<float>(y + down, x + right);
        if (here * next < 0) {
          // Between two equals, as on a clean step, rounding shall not decide: the line would be ragged.
          if (std::abs(here) <= 1.001F * std::abs(next)) mark(y, x, next - here);
          else mark(y + down, x + right, next - here);
        } else if (here == 0 && y >= down && x >= right) {
          // Exactly on the sample: its neighbours tell.
          const float before = laplacian.at<float>(y - down, x - right);
          if (before * next < 0) mark(y, x, next - before);
        }
      }
  return strength;
}

/// Connected lines of `low` and more that somewhere have more than `high`.
cv::Mat strong_lines(const cv::Mat& strength, double low, double high) {
  const cv::Mat weak = (strength >= low) & (strength > 0);
  cv::Mat lines;
  std::vector<char> strong(cv::connectedComponents(weak, lines, 8, CV_32S));
  const auto each = [&](const auto& work) {
    for (int y = 0; y < lines.rows; ++y)
      for (int x = 0; x < lines.cols; ++x)
        if (const int line = lines.at<int>(y, x); line > 0) work(y, x, line);
  };
  each([&](int y, int x, int line) {
    if (strength.at<float>(y, x) > high) strong[line] = 1;
  });
  cv::Mat result(strength.size(), CV_8U, cv::Scalar(0));
  each([&](int y, int x, int line) { result.at<std::uint8_t>(y, x) = strong[line] ? 255 : 0; });
  return result;
}

}  // namespace

Image canny_edges(const Image& image, const CannyOptions& options) {
  if (!(options.sigma >= 0)) fail(ErrorKind::usage, "Canny's sigma is {}; it must not be negative", options.sigma);
  const cv::Mat gray = to_depth(to_gray(image), Depth::u8).pixels;
  const auto [low, high] = thresholds_for(gray, options);
  if (!(low >= 0 && low <= high))
    fail(ErrorKind::usage, "Canny's thresholds are {} and {}; expected 0 <= low <= high", low, high);
  cv::Mat smooth = gray, result;
  if (options.sigma > 0) cv::GaussianBlur(gray, smooth = cv::Mat(), {}, options.sigma);
  cv::Canny(smooth, result, low, high, 3, /*L2gradient=*/true);
  return Image(result);
}

Image log_edges(const Image& image, const LogOptions& options) {
  if (!(options.sigma > 0)) fail(ErrorKind::usage, "the Laplacian's sigma is {}; it must be above 0", options.sigma);
  if (!(options.threshold.value_or(0) >= 0 && options.weak >= 0 && options.weak <= 1))
    fail(ErrorKind::usage, "the strength of edges is {} and weak ones {} of it; expected 0 or more, and 0 to 1",
         options.threshold.value_or(0), options.weak);
  const double sigma = options.sigma;
  cv::Mat smooth, laplacian;
  cv::GaussianBlur(to_depth(to_gray(image), Depth::f32).pixels, smooth, {}, sigma, sigma, cv::BORDER_REFLECT_101);
  const double unit = 255 * std::sqrt(2 * CV_PI) * sigma * sigma * sigma;
  cv::Laplacian(smooth, laplacian, CV_32F, 1, unit, 0, cv::BORDER_REFLECT_101);
  // What rounding leaves of flat areas has signs too.
  cv::threshold(cv::abs(laplacian), smooth, 5e-7 * unit, 1, cv::THRESH_BINARY);
  laplacian = laplacian.mul(smooth);
  const double high = options.threshold.value_or(2 * cv::norm(laplacian, cv::NORM_L1) / laplacian.total());
  return Image(strong_lines(crossings(laplacian), options.weak * high, high));
}

}  // namespace ganvas
