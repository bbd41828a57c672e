#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/noise.hpp"

namespace ganvas {

namespace {

float clip(float value) { return std::clamp(value, 0.0f, 1.0f); }

/// Standard normal values; Box and Muller's method makes two at once, and here both are used.
class Normals {
 public:
  explicit Normals(Rng& rng) : rng_(rng) {}
  double operator()() {
    if (waiting_) {
      waiting_ = false;
      return second_;
    }
    const double radius = std::sqrt(-2 * std::log(1 - rng_.uniform()));
    const double angle = 2 * std::numbers::pi * rng_.uniform();
    second_ = radius * std::sin(angle);
    waiting_ = true;
    return radius * std::cos(angle);
  }

 private:
  Rng& rng_;
  double second_ = 0;
  bool waiting_ = false;
};

/// Calls `change(samples of a pixel)` for all pixels.
template <typename Change>
void for_each_pixel(cv::Mat& pixels, Change change) {
  const int channels = pixels.channels();
  for (int y = 0; y < pixels.rows; ++y) {
    float* row = pixels.ptr<float>(y);
    for (int x = 0; x < pixels.cols; ++x, row += channels) change(row);
  }
}

/// The distribution function of a Poisson variable, inverted by search. A picture has at most 256 rates, so that tables
/// are cheaper than any sampling method.
class PoissonTable {
 public:
  PoissonTable() = default;
  explicit PoissonTable(double rate) {
    // Far beyond 8 standard deviations nothing is left for a double to see.
    const int mode = static_cast<int>(rate), reach = static_cast<int>(8 * std::sqrt(rate) + 10);
    first_ = std::max(0, mode - reach);
    sums_.resize(mode + reach - first_ + 1);
    sums_[mode - first_] = 1;
    for (int k = mode; k > first_; --k) sums_[k - 1 - first_] = sums_[k - first_] * k / rate;
    for (int k = mode + 1; k <= mode + reach; ++k) sums_[k - first_] = sums_[k - 1 - first_] * rate / k;
    std::partial_sum(sums_.begin(), sums_.end(), sums_.begin());
    for (double& sum : sums_) sum /= sums_.back();
  }
  bool empty() const { return sums_.empty(); }
  int operator()(double uniform) const {
    return first_ + static_cast<int>(std::upper_bound(sums_.begin(), sums_.end(), uniform) - sums_.begin());
  }

 private:
  int first_ = 0;
  std::vector<double> sums_;
};

int level_of(float value) { return static_cast<int>(clip(value) * 255 + 0.5f); }

/// Shot noise of samples of 256 levels.
class ShotNoise {
 public:
  /// `levels`: which of them occur.
  explicit ShotNoise(const std::array<bool, 256>& levels)
      : count_(std::bit_ceil(static_cast<unsigned>(std::count(levels.begin(), levels.end(), true)))) {}
  float operator()(int level, Rng& rng) {
    if (level == 0) return 0;
    PoissonTable& table = tables_[level];
    const double value = level / 255.0;
    if (table.empty()) table = PoissonTable(value * count_);
    return static_cast<float>(table(rng.uniform()) / count_ - value);
  }

 private:
  double count_;
  std::array<PoissonTable, 256> tables_;
};

}  // namespace

void add_gaussian_noise(cv::Mat& pixels, double sigma, bool gray, Rng& rng) {
  const int channels = pixels.channels();
  Normals normal(rng);
  for_each_pixel(pixels, [&](float* samples) {
    auto noise = static_cast<float>(sigma * normal());
    for (int c = 0; c < channels; ++c) {
      if (c > 0 && !gray) noise = static_cast<float>(sigma * normal());
      samples[c] = clip(samples[c] + noise);
    }
  });
}

void add_correlated_noise(cv::Mat& pixels, const cv::Matx33d& covariance, Rng& rng) {
  if (pixels.channels() != 3) fail(ErrorKind::internal, "correlated noise needs three channels");
  // Cholesky's root, which unlike OpenCV's takes a singular matrix too.
  cv::Matx33d root = cv::Matx33d::zeros();
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j <= i; ++j) {
      double rest = covariance(i, j);
      for (int k = 0; k < j; ++k) rest -= root(i, k) * root(j, k);
      if (i == j) root(i, i) = std::sqrt(std::max(0.0, rest));
      else root(i, j) = root(j, j) > 0 ? rest / root(j, j) : 0;
    }
  Normals normal(rng);
  for_each_pixel(pixels, [&](float* samples) {
    const double a = normal(), b = normal(), c = normal();
    const cv::Vec3d noise = root * cv::Vec3d(a, b, c);
    for (int i = 0; i < 3; ++i) samples[i] = clip(samples[i] + static_cast<float>(noise[i]));
  });
}

void add_poisson_noise(cv::Mat& pixels, double strength, bool gray, Rng& rng) {
  const int channels = pixels.channels();
  if (channels != 1 && channels != 3) fail(ErrorKind::internal, "shot noise on {} channels", channels);
  const auto factor = static_cast<float>(strength);
  const bool luma = gray && channels == 3;
  const auto luma_level = [](const float* samples) {
    return level_of((0.299f * level_of(samples[0]) + 0.587f * level_of(samples[1]) + 0.114f * level_of(samples[2])) /
                    255);
  };
  std::array<bool, 256> levels{};
  for_each_pixel(pixels, [&](const float* samples) {
    if (luma) levels[luma_level(samples)] = true;
    else
      for (int c = 0; c < channels; ++c) levels[level_of(samples[c])] = true;
  });
  ShotNoise shot(levels);
  for_each_pixel(pixels, [&](float* samples) {
    float noise = luma ? factor * shot(luma_level(samples), rng) : 0;
    for (int c = 0; c < channels; ++c) {
      if (!luma) noise = factor * shot(level_of(samples[c]), rng);
      samples[c] = clip(samples[c] + noise);
    }
  });
}

}  // namespace ganvas
