#pragma once

#include <opencv2/core/mat.hpp>

#include <cstdint>

namespace ganvas {

/// Sample type of a picture. Value ranges: u8 0..255, u16 0..65535, f32 nominally 0..1 (may overshoot).
enum class Depth { u8, u16, f32 };

/// Most channels of a picture.
inline constexpr int most_channels = 64;

/// A picture in memory: rows x columns of interleaved samples.
/// Channels: 1 gray, 2 gray+alpha, 3 RGB, 4 RGBA (alpha is not premultiplied), 5 to 64 bands of a sensor, which only
/// TIFF stores and only networks made for so many take. Never BGR: that order exists only inside the reader and the
/// writer. Copies share pixels, as cv::Mat does; clone() where that matters.
struct Image {
  cv::Mat pixels;

  Image() = default;
  /// Takes a matrix of type CV_8U, CV_16U or CV_32F with 1 to 64 channels; throws Error(internal) for any other.
  explicit Image(cv::Mat matrix);
  Image(int width, int height, int channels, Depth depth);

  int width() const { return pixels.cols; }
  int height() const { return pixels.rows; }
  int channels() const { return pixels.empty() ? 0 : pixels.channels(); }
  bool empty() const { return pixels.empty(); }
  bool has_alpha() const { return channels() == 2 || channels() == 4; }
  Depth depth() const;
  Image clone() const { return Image(pixels.clone()); }
};

/// Largest sample value: 255, 65535 or 1.
double max_value(Depth depth);

/// Converts the sample type, scaling by the ratio of the value ranges, with rounding and saturation.
Image to_depth(const Image& image, Depth depth);

/// Colour planes only (1 or 3 channels; of bands the first three, to look at), and the alpha plane (1 channel; empty
/// Image where there is none).
Image colour_part(const Image& image);
Image alpha_part(const Image& image);
/// Puts an alpha plane (same size and depth) beside the colour planes.
Image with_alpha(const Image& colour, const Image& alpha);

/// 1 -> 3 channels by repetition, 3 -> 3 as it is. No alpha.
Image to_rgb(const Image& colour);
/// 3 -> 1 channel by BT.601 luma weights (full range); 1 -> 1 as it is. No alpha.
Image to_gray(const Image& colour);
/// Luma as floats in levels of 255, whatever channels and depth; alpha doesn't count.
cv::Mat luma_of(const Image& image);

}  // namespace ganvas
