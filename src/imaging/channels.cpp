#include "ganvas/imaging/channels.hpp"

namespace ganvas {

Image with_channels(const Image& image, int channels) {
  if (image.channels() == channels) return image;
  if (channels == 1) return to_gray(color_part(image));
  if (channels == 3) return to_rgb(color_part(image));
  Image alpha = alpha_part(image);
  if (alpha.empty()) {
    alpha = Image(image.width(), image.height(), 1, image.depth());
    alpha.pixels.setTo(cv::Scalar(max_value(image.depth())));
  }
  return with_alpha(to_rgb(color_part(image)), alpha);
}

}  // namespace ganvas
