// Colours under transparency by push-pull (Gortler et al., The Lumigraph, 1996, sec. 3.4): the picture is halved again
// and again with its opacity as weight, then holes are filled from the coarser level, coarse to fine. Linear cost.
#include "ganvas/imaging/alpha.hpp"

#include <algorithm>
#include <cmath>

#include "ganvas/core/error.hpp"

namespace ganvas {
namespace {

/// Calls `work` with a value of the picture's sample type.
template <typename Work>
auto by_depth(Depth depth, const Work& work) {
  if (depth == Depth::u8) return work(std::uint8_t{});
  if (depth == Depth::u16) return work(std::uint16_t{});
  return work(float{});
}

/// Halves a level of colours times weight, weight last. `load(y, x, out)` adds a sample to `out`.
template <typename Load>
cv::Mat halve(cv::Size size, int channels, const Load& load) {
  cv::Mat half((size.height + 1) / 2, (size.width + 1) / 2, CV_32FC(channels), cv::Scalar::all(0));
  for (int y = 0; y < size.height; ++y) {
    auto* row = half.ptr<float>(y / 2);
    for (int x = 0; x < size.width; ++x) load(y, x, row + x / 2 * channels);
    if (y % 2 == 0 && y + 1 < size.height) continue;
    for (int x = 0; x < half.cols; ++x, row += channels) {
      // More than full weight is as good as full: whatever is known here needs nothing from coarser levels.
      const float excess = std::max(row[channels - 1], 1.0f);
      for (int c = 0; c < channels; ++c) row[c] /= excess;
    }
  }
  return half;
}

template <typename T>
cv::Mat halve_picture(const cv::Mat& pixels) {
  const int channels = pixels.channels();
  const auto full = static_cast<float>(max_value(Image(pixels).depth()));
  return halve(pixels.size(), channels, [&](int y, int x, float* out) {
    const T* in = pixels.ptr<T>(y) + x * channels;
    const float weight = static_cast<float>(in[channels - 1]) / full;
    for (int c = 0; c + 1 < channels; ++c) out[c] += weight * static_cast<float>(in[c]);
    out[channels - 1] += weight;
  });
}

cv::Mat halve_level(const cv::Mat& level) {
  const int channels = level.channels();
  return halve(level.size(), channels, [&](int y, int x, float* out) {
    const auto* in = level.ptr<float>(y) + x * channels;
    for (int c = 0; c < channels; ++c) out[c] += in[c];
  });
}

/// Bilinear sample of the coarser level at a pixel of the finer one.
void sample(const cv::Mat& coarse, int y, int x, float* out) {
  // Of the four neighbours the nearest weighs 9/16: centres lie a quarter of a coarse pixel apart.
  const int channels = coarse.channels();
  const int x0 = x / 2, x1 = std::clamp(x % 2 ? x0 + 1 : x0 - 1, 0, coarse.cols - 1);
  const int y0 = y / 2, y1 = std::clamp(y % 2 ? y0 + 1 : y0 - 1, 0, coarse.rows - 1);
  const float *near = coarse.ptr<float>(y0), *far = coarse.ptr<float>(y1);
  for (int c = 0; c < channels; ++c)
    out[c] = (9 * near[x0 * channels + c] + 3 * (near[x1 * channels + c] + far[x0 * channels + c]) +
              far[x1 * channels + c]) /
             16;
}

/// Fills up what weight is missing. Every pixel has full weight afterwards where any colour is known.
void pull(cv::Mat& level, const cv::Mat& coarse) {
  const int channels = level.channels();
  float filled[4];
  for (int y = 0; y < level.rows; ++y) {
    auto* pixel = level.ptr<float>(y);
    for (int x = 0; x < level.cols; ++x, pixel += channels) {
      const float missing = 1 - pixel[channels - 1];
      if (missing <= 0) continue;
      sample(coarse, y, x, filled);
      for (int c = 0; c < channels; ++c) pixel[c] += missing * filled[c];
    }
  }
}

template <typename T>
void fill_transparent(const cv::Mat& pixels, const cv::Mat& coarse, cv::Mat& colour) {
  const int channels = pixels.channels();
  float filled[4];
  for (int y = 0; y < pixels.rows; ++y) {
    const T* in = pixels.ptr<T>(y);
    T* out = colour.ptr<T>(y);
    for (int x = 0; x < pixels.cols; ++x, in += channels, out += channels - 1) {
      if (in[channels - 1] != 0) continue;
      sample(coarse, y, x, filled);
      for (int c = 0; c + 1 < channels; ++c) out[c] = cv::saturate_cast<T>(filled[c]);
    }
  }
}

}  // namespace

Image bleed_colour(const Image& image) {
  if (!image.has_alpha()) return image;
  Image colour = colour_part(image);
  const auto alpha = constant_alpha(image);
  if (alpha) return colour;  // nothing hidden, or nothing to fill from
  std::vector<cv::Mat> levels{
      by_depth(image.depth(), [&](auto type) { return halve_picture<decltype(type)>(image.pixels); })};
  while (levels.back().total() > 1) levels.push_back(halve_level(levels.back()));
  // The coarsest pixel knows the mean colour; its weight may be below one in a nearly transparent picture.
  levels.back().convertTo(levels.back(), CV_32F, 1.0 / levels.back().ptr<float>()[image.channels() - 1]);
  for (std::size_t i = levels.size() - 1; i-- > 0;) pull(levels[i], levels[i + 1]);
  by_depth(image.depth(),
           [&](auto type) { fill_transparent<decltype(type)>(image.pixels, levels.front(), colour.pixels); });
  return colour;
}

std::optional<double> constant_alpha(const Image& image) {
  if (!image.has_alpha()) return std::nullopt;
  return by_depth(image.depth(), [&](auto type) -> std::optional<double> {
    using T = decltype(type);
    const int channels = image.channels();
    const T first = image.pixels.ptr<T>()[channels - 1];
    for (int y = 0; y < image.height(); ++y) {
      const T* alpha = image.pixels.ptr<T>(y) + channels - 1;
      for (int x = 0; x < image.width(); ++x)
        if (alpha[x * std::ptrdiff_t{channels}] != first) return std::nullopt;
    }
    return static_cast<double>(first);
  });
}

Image over_white(const Image& image) {
  if (!image.has_alpha()) return image;
  cv::Mat colour, alpha;
  colour_part(image).pixels.convertTo(colour, CV_32F);
  alpha_part(image).pixels.convertTo(alpha, CV_32F, 1 / max_value(image.depth()));
  const auto white = static_cast<float>(max_value(image.depth()));
  const int channels = colour.channels();
  for (int y = 0; y < colour.rows; ++y) {
    auto* sample = colour.ptr<float>(y);
    const auto* weight = alpha.ptr<float>(y);
    for (int x = 0; x < colour.cols; ++x)
      for (int c = 0; c < channels; ++c, ++sample) *sample = white + (*sample - white) * weight[x];
  }
  Image result;
  colour.convertTo(result.pixels, image.pixels.depth());
  return result;
}

}  // namespace ganvas
