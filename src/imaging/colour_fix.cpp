#include <opencv2/core.hpp>

#include <algorithm>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/colour.hpp"
#include "imaging/planes.hpp"

namespace ganvas {
namespace {

constexpr int levels = 5;
constexpr int halo = (1 << levels) - 1;  ///< 1 + 2 + 4 + 8 + 16 rows of context
constexpr int strip_rows = 128;

Image shift_means(const Image& result, const Image& reference) {
  if (result.channels() > 4)
    return Image(each_plane(result.pixels, [&](const cv::Mat& band, int i) {
      Image wanted;
      cv::extractChannel(reference.pixels, wanted.pixels, i);
      return shift_means(Image(band), wanted).pixels;
    }));
  const cv::Scalar shift = cv::mean(reference.pixels) - cv::mean(result.pixels);
  Image fixed;
  cv::add(result.pixels, shift, fixed.pixels);
  return fixed;
}

/// [1 2 1]/4 with holes, along x then y; border samples are repeated.
void blur(cv::Mat& picture, cv::Mat& buffer, int distance) {
  const int channels = picture.channels(), width = picture.cols * channels, step = distance * channels;
  for (int y = 0; y < picture.rows; ++y) {
    const auto* in = picture.ptr<float>(y);
    auto* out = buffer.ptr<float>(y);
    const auto at_border = [&](int i) {
      const int left = i >= step ? i - step : i % channels;
      const int right = i + step < width ? i + step : width - channels + i % channels;
      out[i] = (in[left] + 2 * in[i] + in[right]) / 4;
    };
    const int begin = std::min(step, width), end = std::max(begin, width - step);
    for (int i = 0; i < begin; ++i) at_border(i);
    for (int i = begin; i < end; ++i) out[i] = (in[i - step] + 2 * in[i] + in[i + step]) / 4;
    for (int i = end; i < width; ++i) at_border(i);
  }
  for (int y = 0; y < picture.rows; ++y) {
    const auto* above = buffer.ptr<float>(std::max(y - distance, 0));
    const auto* here = buffer.ptr<float>(y);
    const auto* below = buffer.ptr<float>(std::min(y + distance, picture.rows - 1));
    auto* out = picture.ptr<float>(y);
    for (int i = 0; i < width; ++i) out[i] = (above[i] + 2 * here[i] + below[i]) / 4;
  }
}

/// result - low(result) + low(reference) = result + low(reference - result), as the filter is linear.
void fix_strip(const cv::Mat& result, const cv::Mat& reference, cv::Mat& fixed, int begin, int end) {
  const cv::Range rows(std::max(begin - halo, 0), std::min(end + halo, result.rows));
  cv::Mat low, buffer, strip;
  cv::subtract(reference.rowRange(rows), result.rowRange(rows), low, cv::noArray(), CV_32F);
  buffer.create(low.size(), low.type());
  for (int level = 0; level < levels; ++level) blur(low, buffer, 1 << level);
  const cv::Mat inner = low.rowRange(begin - rows.start, end - rows.start);
  cv::add(result.rowRange(begin, end), inner, strip, cv::noArray(), CV_32F);
  cv::Mat target = fixed.rowRange(begin, end);
  strip.convertTo(target, target.depth());
}

/// Strip by strip, so that floats of the whole picture are never held.
Image swap_low_frequencies(const Image& result, const Image& reference) {
  Image fixed(result.width(), result.height(), result.channels(), result.depth());
  const int strips = (result.height() + strip_rows - 1) / strip_rows;
  cv::parallel_for_(cv::Range(0, strips), [&](const cv::Range& range) {
    for (int i = range.start; i < range.end; ++i)
      fix_strip(result.pixels, reference.pixels, fixed.pixels, i * strip_rows,
                std::min((i + 1) * strip_rows, result.height()));
  });
  return fixed;
}

}  // namespace

Image fix_colour(const Image& result, const Image& reference, ColourFix method) {
  if (method == ColourFix::none) return result;
  if (result.pixels.size() != reference.pixels.size() || result.pixels.type() != reference.pixels.type())
    fail(ErrorKind::internal, "the colour reference is of another size or type than the picture");
  if (result.has_alpha())
    return with_alpha(fix_colour(colour_part(result), colour_part(reference), method), alpha_part(result));
  return method == ColourFix::mean ? shift_means(result, reference) : swap_low_frequencies(result, reference);
}

}  // namespace ganvas
