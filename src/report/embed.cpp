#include "report/embed.hpp"

#include <algorithm>

#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/resize.hpp"

namespace ganvas {

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? digits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

Image middle_of(const Image& image, int side) {
  const int width = std::min(image.width(), side), height = std::min(image.height(), side);
  const cv::Rect middle((image.width() - width) / 2, (image.height() - height) / 2, width, height);
  return Image(image.pixels(middle));
}

Bytes encode_within(const Image& image, std::size_t max_bytes) {
  Image picture = to_depth(image, Depth::u8);
  for (;;) {
    for (const int quality : {90, 80, 60, 35}) {
      EncodeOptions options;
      options.quality = quality;
      Bytes bytes = encode_image(picture, Format::webp, {}, options);
      if (bytes.size() <= max_bytes) return bytes;
    }
    if (picture.width() == 1 && picture.height() == 1) return {};
    picture = resize(picture, std::max(1, picture.width() / 2), std::max(1, picture.height() / 2), Interpolation::area);
  }
}

std::string data_uri(const Image& image, std::size_t max_bytes) {
  return "data:image/webp;base64," + base64(encode_within(image, max_bytes));
}

}  // namespace ganvas
