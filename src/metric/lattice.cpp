#include "ganvas/metric/lattice.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>
#include <vector>

namespace ganvas {

namespace {

constexpr int periods = 16;  // in a segment: as many bins from one harmonic to the next

cv::Mat hann(int length) {
  cv::Mat window(1, length, CV_32F);
  for (int i = 0; i < length; ++i)
    window.at<float>(i) = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * (i + 0.5) / length));
  return window;
}

/// Mean power of segments of rows that overlap by half, bin by bin from 0 to length / 2.
std::vector<double> power_along_rows(const cv::Mat& luma, int length) {
  const cv::Mat window = hann(length);
  std::vector<double> power(static_cast<std::size_t>(length / 2 + 1), 0.0);
  cv::Mat segment, spectrum;
  for (int left = 0; left + length <= luma.cols; left += length / 2) {
    segment = luma.colRange(left, left + length).clone();
    for (int y = 0; y < segment.rows; ++y) {
      segment.row(y) -= cv::mean(segment.row(y));
      segment.row(y) = segment.row(y).mul(window);
    }
    cv::dft(segment, spectrum, cv::DFT_ROWS | cv::DFT_COMPLEX_OUTPUT);
    for (int y = 0; y < spectrum.rows; ++y)
      for (std::size_t bin = 0; bin < power.size(); ++bin) {
        const auto& value = spectrum.at<cv::Vec2f>(y, static_cast<int>(bin));
        power[bin] += value[0] * value[0] + value[1] * value[1];
      }
  }
  return power;
}

/// A harmonic's power over the geometric mean of its neighbours', beyond what the window spreads of it: a spectrum that
/// falls by a power law has 1.
double excess(const std::vector<double>& power, int bin) {
  constexpr int nearest = 3, farthest = 6;
  // What is below the rounding of 8 bits says nothing.
  constexpr double least = 1e-3;
  double logarithms = 0, count = 0;
  for (int step = nearest; step <= farthest; ++step)
    for (const int beside : {bin - step, bin + step})
      if (beside > 0 && beside < static_cast<int>(power.size()))
        logarithms += std::log(power[static_cast<std::size_t>(beside)] + least), ++count;
  return (power[static_cast<std::size_t>(bin)] + least) / std::exp(logarithms / count);
}

}  // namespace

double lattice_index(const Image& picture, int period) {
  const cv::Mat luma = luma_of(picture);
  double largest = 0;
  for (const cv::Mat& lines : {luma, cv::Mat(luma.t())}) {
    const std::vector<double> power = power_along_rows(lines, periods * period);
    // A constant picture, or one that is too small.
    if (*std::max_element(power.begin(), power.end()) <= 0) continue;
    for (int bin = periods; bin < static_cast<int>(power.size()); bin += periods)
      largest = std::max(largest, excess(power, bin));
  }
  return largest > 0 ? largest : 1;
}

}  // namespace ganvas
