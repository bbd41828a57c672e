#include "ganvas/imaging/channels.hpp"

#include "ganvas/core/error.hpp"

namespace ganvas {

Image with_channels(const Image& image, int channels) {
  if (image.channels() == channels) return image;
  if (image.channels() > 4 || channels > 4)
    fail(ErrorKind::data, "a picture of {} channels where {} are wanted", image.channels(), channels);
  if (channels == 1) return to_gray(colour_part(image));
  if (channels == 3) return to_rgb(colour_part(image));
  Image alpha = alpha_part(image);
  if (alpha.empty()) {
    alpha = Image(image.width(), image.height(), 1, image.depth());
    alpha.pixels.setTo(cv::Scalar(max_value(image.depth())));
  }
  const Image colour = colour_part(image);
  return with_alpha(channels == 2 ? to_gray(colour) : to_rgb(colour), alpha);
}

}  // namespace ganvas
