#include "ganvas/imaging/colour.hpp"

#include <opencv2/core/utility.hpp>

namespace ganvas {
namespace {

template <typename T>
void luma_rows(const cv::Mat& pixels, cv::Mat& luma, float scale, const cv::Range& rows) {
  const int channels = pixels.channels();
  const bool colour = channels >= 3;
  const float red = 65.481f * scale, green = 128.553f * scale, blue = 24.966f * scale, gray = red + green + blue;
  for (int y = rows.start; y < rows.end; ++y) {
    const T* in = pixels.ptr<T>(y);
    float* out = luma.ptr<float>(y);
    for (int x = 0; x < pixels.cols; ++x, in += channels)
      out[x] = 16 + (colour ? red * in[0] + green * in[1] + blue * in[2] : gray * in[0]);
  }
}

}  // namespace

Image luma_bt601(const Image& image) {
  Image luma(image.width(), image.height(), 1, Depth::f32);
  const auto scale = static_cast<float>(1 / max_value(image.depth()));
  cv::parallel_for_(cv::Range(0, image.height()), [&](const cv::Range& rows) {
    switch (image.depth()) {
      case Depth::u8:
        return luma_rows<std::uint8_t>(image.pixels, luma.pixels, scale, rows);
      case Depth::u16:
        return luma_rows<std::uint16_t>(image.pixels, luma.pixels, scale, rows);
      case Depth::f32:
        return luma_rows<float>(image.pixels, luma.pixels, scale, rows);
    }
  });
  return luma;
}

}  // namespace ganvas
