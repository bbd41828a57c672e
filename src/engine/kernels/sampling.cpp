#include "engine/kernels/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ganvas::engine {

namespace {

/// Between which two places of an axis a value lies, and how near the second.
struct Between {
  Between(float place, int size) {
    const float inside = place > 0 ? std::min(place, static_cast<float>(size - 1)) : 0;
    low = static_cast<int>(inside);
    high = std::min(low + 1, size - 1);
    share = inside - static_cast<float>(low);
  }
  int distance(int from) const { return std::max(from - low, high - from); }
  int low, high;
  float share;
};

/// One group's channels at one place, between four pixels.
class Corners {
 public:
  explicit Corners(int channels) : values_(static_cast<std::size_t>(2 * channels)), channels_(channels) {}

  void add(const Patch& from, int first, const Between& y, const Between& x, float* to) {
    line(from, first, y.low, x, 1 - y.share, to);
    line(from, first, y.high, x, y.share, to);
  }

 private:
  void line(const Patch& from, int first, int y, const Between& x, float weight, float* to) {
    float *low = values_.data(), *high = low + channels_;
    load_pixel(from, first, channels_, y, x.low, low);
    load_pixel(from, first, channels_, y, x.high, high);
    for (int c = 0; c < channels_; ++c) to[c] += weight * (low[c] + x.share * (high[c] - low[c]));
  }
  std::vector<float> values_;
  int channels_;
};

}  // namespace

int sample(const Sampling& kind, Size size, const Patch& features, const Patch& offsets, const Patch& out) {
  const int factor = kind.factor, planes = factor * factor, channels = features.view.channels / kind.groups;
  const float begin = 0.5F * static_cast<float>(1 - factor), step = 1.0F / static_cast<float>(factor);
  int most = 0;
#pragma omp parallel reduction(max : most)
  {
    Corners corners(channels);
    std::vector<float> moved(static_cast<std::size_t>(2 * kind.groups * planes));
    std::vector<float> pixel(static_cast<std::size_t>(out.view.blocks() * out.view.block));
#pragma omp for
    for (int row = out.row; row < out.row + out.view.height; ++row) {
      const int y = row / factor, part_y = row % factor;
      for (int column = out.column; column < out.column + out.view.width; ++column) {
        const int x = column / factor, part_x = column % factor;
        if (column == out.column || part_x == 0)
          load_pixel(offsets, 0, static_cast<int>(moved.size()), y, x, moved.data());
        std::ranges::fill(pixel, 0.0F);
        for (int group = 0; group < kind.groups; ++group) {
          const float* at = moved.data() + group * planes + part_y * factor + part_x;
          float* to = pixel.data() + (kind.added ? 0 : group * channels);
          if (!std::isfinite(at[0] + at[kind.groups * planes])) {
            std::fill_n(to, channels, std::numeric_limits<float>::quiet_NaN());
            continue;
          }
          const auto place = [&](int own, int part, float offset) {
            return static_cast<float>(own) + ((begin + static_cast<float>(part)) * step + offset);
          };
          const Between across(place(x, part_x, at[0]), size.width);
          const Between down(place(y, part_y, at[kind.groups * planes]), size.height);
          if (!features.has(down.low, across.low) || !features.has(down.high, across.high)) {
            most = std::max({most, across.distance(x), down.distance(y)});
            continue;
          }
          corners.add(features, group * channels, down, across, to);
        }
        store_pixel(pixel.data(), row, column, out);
      }
    }
  }
  return most;
}

}  // namespace ganvas::engine
