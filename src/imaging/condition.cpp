#include "ganvas/imaging/condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

namespace ganvas {

namespace {

constexpr int block = 8;

/// The part that is looked at: whole in both directions for pictures of up to `most` a side, else the middle, so that
/// the phase of blocks is the same everywhere in it.
cv::Mat part_of(const Image& image) {
  constexpr int most = 1448;
  const int width = std::min(image.width(), most), height = std::min(image.height(), most);
  const cv::Rect middle((image.width() - width) / 2, (image.height() - height) / 2, width, height);
  return luma_of(Image(image.pixels(middle)));
}

/// The mean third difference along a row between pixels x and x + 1, by x modulo 8. Edges count no more than what a
/// block's border may show.
std::array<double, block> differences(const cv::Mat& luma) {
  constexpr float most = 24;
  std::array<double, block> sums{}, counts{};
  for (int y = 0; y < luma.rows; ++y) {
    const auto* row = luma.ptr<float>(y);
    for (int x = 1; x + 2 < luma.cols; ++x) {
      const float difference = std::abs(row[x - 1] - 3 * row[x] + 3 * row[x + 1] - row[x + 2]);
      sums[static_cast<std::size_t>(x % block)] += std::min(difference, most);
      counts[static_cast<std::size_t>(x % block)] += 1;
    }
  }
  for (std::size_t phase = 0; phase < block; ++phase) sums[phase] /= std::max(counts[phase], 1.0);
  return sums;
}

/// Where blocks begin along the rows, and how much their borders show.
struct Blocks {
  int begin = 0;
  double strength = 0;
};

Blocks blocks_along_rows(const cv::Mat& luma) {
  if (luma.cols < 4 * block) return {};
  std::array<double, block> means = differences(luma);
  const auto phase = static_cast<int>(std::max_element(means.begin(), means.end()) - means.begin());
  std::sort(means.begin(), means.end());
  // Next to the border a third difference sees it too: the lower half knows the inside. The 2 is for pictures so smooth
  // that the rounding of a good JPEG shows.
  const double inside = (means[1] + means[2] + means[3]) / 3;
  return {(phase + 1) % block, std::max(0.0, (means[block - 1] - inside) / (inside + 2))};
}

/// Table K.1 of T.81, row by row: what libjpeg scales.
constexpr std::array<int, 64> luma_steps{16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                         14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                         18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                         49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

int step_at(std::size_t frequency, int quality) {
  const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return std::clamp((luma_steps[frequency] * scale + 50) / 100, 1, 255);
}

/// Coefficients of some two thousand blocks, which begin at `begin`; a row each.
cv::Mat coefficients(const cv::Mat& luma, cv::Point begin) {
  constexpr int most = 2048;
  const int across = (luma.cols - begin.x) / block, down = (luma.rows - begin.y) / block;
  const int count = std::max(0, across * down), every = std::max(1, count / most);
  cv::Mat result, spectrum;
  for (int i = 0; i < count; i += every) {
    const cv::Rect place(begin.x + i % across * block, begin.y + i / across * block, block, block);
    cv::dct(luma(place), spectrum);
    result.push_back(spectrum.reshape(1, 1));
  }
  return result;
}

/// How well coefficients keep to multiples of a quality's steps: 1 where all do, near 0 for a picture that never was a
/// JPEG of that quality; 0 too where that can't be told from chance. Only coefficients that aren't 0 know, and only
/// steps above the rounding of the pixels.
double fit_of(const cv::Mat& spectra, int quality) {
  constexpr int least_step = 3;
  constexpr std::size_t frequencies = 36;  // finer ones are rarely anything but 0
  constexpr double least_count = 30, least_deviations = 6;
  double sum = 0, count = 0;
  for (std::size_t k = 1; k < frequencies; ++k) {
    const auto step = static_cast<float>(step_at(k, quality));
    if (step < least_step) continue;
    for (int i = 0; i < spectra.rows; ++i) {
      const float value = spectra.at<float>(i, static_cast<int>(k));
      if (std::abs(value) < step / 2) continue;
      sum += std::cos(2 * std::numbers::pi_v<float> * value / step);
      ++count;
    }
  }
  // Of phases anywhere: a mean of 0 with a deviation of 1 / sqrt(2 n).
  const double fit = sum / std::max(count, 1.0);
  return count < least_count || fit * std::sqrt(2 * count) < least_deviations ? 0 : fit;
}

/// The quality of the JPEG that pixels once were, 0 where none shows: the best fit that is one (after Fan and de
/// Queiroz 2003, who look for each step by itself).
double jpeg_quality_of(const cv::Mat& luma, cv::Point begin) {
  constexpr int lowest = 20, highest = 96;
  constexpr double least_fit = 0.2;
  const cv::Mat spectra = coefficients(luma, begin);
  double best = least_fit;
  int found = 0;
  for (int quality = lowest; quality <= highest; ++quality)
    if (const double fit = fit_of(spectra, quality); fit > best) best = fit, found = quality;
  return found;
}

/// Immerkaer's mask takes constant, linear and most curved parts away and leaves six times the noise.
double noise_at(const cv::Mat& luma, int top, int left, int side) {
  double sum = 0, level = 0;
  for (int y = top + 1; y < top + side - 1; ++y) {
    const float *a = luma.ptr<float>(y - 1), *b = luma.ptr<float>(y), *c = luma.ptr<float>(y + 1);
    for (int x = left + 1; x < left + side - 1; ++x) {
      sum += std::abs(a[x - 1] - 2 * a[x] + a[x + 1] - 2 * (b[x - 1] - 2 * b[x] + b[x + 1]) + c[x - 1] - 2 * c[x] +
                      c[x + 1]);
      level += b[x];
    }
  }
  const double count = (side - 2.0) * (side - 2.0);
  // What is clipped has no noise to show.
  if (level / count < 8 || level / count > 247) return -1;
  return std::sqrt(std::numbers::pi / 2) / 6 * sum / count;
}

double noise_of(const cv::Mat& luma) {
  constexpr int side = 16;
  std::vector<double> estimates;
  for (int y = 0; y + side <= luma.rows; y += side)
    for (int x = 0; x + side <= luma.cols; x += side)
      if (const double noise = noise_at(luma, y, x, side); noise >= 0) estimates.push_back(noise);
  if (estimates.empty()) return 0;
  const auto tenth = static_cast<std::ptrdiff_t>(estimates.size() / 50);
  std::nth_element(estimates.begin(), estimates.begin() + tenth, estimates.end());
  return estimates[static_cast<std::size_t>(tenth)];
}

}  // namespace

std::string degradation_of(const PictureCondition& condition) {
  constexpr double least_quality = 93, most_blockiness = 0.6, most_noise = 6;
  if (condition.jpeg_quality > 0 && condition.jpeg_quality < least_quality)
    return fmt::format("JPEG quality {:.0f}", condition.jpeg_quality);
  if (condition.blockiness > most_blockiness) return fmt::format("blocks of {:.2f}", condition.blockiness);
  if (condition.noise > most_noise) return fmt::format("noise of {:.1f}", condition.noise);
  return {};
}

PictureCondition condition_of(const Image& image, double jpeg_quality) {
  if (image.empty()) return {};
  const cv::Mat luma = part_of(image);
  // Stripes are periodic in one direction, blocks in both.
  const Blocks across = blocks_along_rows(luma), down = blocks_along_rows(luma.t());
  return {.jpeg_quality = jpeg_quality > 0 ? jpeg_quality : jpeg_quality_of(luma, {across.begin, down.begin}),
          .blockiness = std::min(across.strength, down.strength),
          .noise = noise_of(luma)};
}

}  // namespace ganvas
