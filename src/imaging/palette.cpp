#include "ganvas/imaging/palette.hpp"

#include <algorithm>
#include <opencv2/core.hpp>

#include "ganvas/imaging/recolour.hpp"

namespace ganvas {

Palette palette_of(const Image& image) {
  const ColourStatistics colours = colours_of(image);
  Palette palette{};
  for (int c = 0; c < 3; ++c) {
    palette[c] = static_cast<float>(std::clamp(colours.mean[c], 0.0, 1.0));
    // A deviation of values in 0..1 is at most a half.
    palette[3 + c] = static_cast<float>(std::clamp(2 * colours.deviation[c], 0.0, 1.0));
  }
  return palette;
}

Image with_palette(const Image& image, const Palette& palette) {
  std::vector<cv::Mat> planes;
  cv::split(image.pixels, planes);
  const double most = max_value(image.depth());
  for (const float value : palette)
    planes.emplace_back(image.pixels.size(), image.pixels.depth(), cv::Scalar(value * most));
  cv::Mat joined;
  cv::merge(planes, joined);
  return Image(joined);
}

Image without_palette(const Image& image, int channels) {
  Image result(image.width(), image.height(), channels, image.depth());
  std::vector<int> same;
  for (int c = 0; c < channels; ++c) same.insert(same.end(), {c, c});
  cv::mixChannels(&image.pixels, 1, &result.pixels, 1, same.data(), static_cast<std::size_t>(channels));
  return result;
}

std::vector<Palette> typical_palettes(const std::vector<Palette>& all, int count) {
  std::vector<Palette> typical;
  const auto wanted = static_cast<std::size_t>(count);
  if (all.size() <= wanted) {
    for (std::size_t i = 0; i < wanted; ++i) typical.push_back(all[i % all.size()]);
    return typical;
  }
  cv::Mat points(static_cast<int>(all.size()), static_cast<int>(Palette{}.size()), CV_32F), labels, centres;
  for (std::size_t i = 0; i < all.size(); ++i)
    std::copy(all[i].begin(), all[i].end(), points.ptr<float>(static_cast<int>(i)));
  cv::setRNGSeed(0);
  cv::kmeans(points, count, labels, {cv::TermCriteria::COUNT + cv::TermCriteria::EPS, 50, 1e-4}, 3,
             cv::KMEANS_PP_CENTERS, centres);
  for (int i = 0; i < count; ++i) {
    Palette palette{};
    std::copy_n(centres.ptr<float>(i), palette.size(), palette.begin());
    typical.push_back(palette);
  }
  return typical;
}

}  // namespace ganvas
