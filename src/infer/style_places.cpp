#include "infer/style_places.hpp"

#include <torch/torch.h>

#include <cmath>
#include <opencv2/core.hpp>

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/nn/padding.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas {

Image stretched_mask(const Image& mask, cv::Size picture) {
  const double wanted = static_cast<double>(mask.width()) * picture.height / picture.width;
  if (std::abs(wanted - mask.height()) > std::max(1.0, 0.02 * mask.height()))
    fail(ErrorKind::data, "its mask has {}x{} pixels, the picture {}x{}: of another shape", mask.width(), mask.height(),
         picture.width, picture.height);
  Image plane = to_depth(to_gray(colour_part(mask)), Depth::u8);
  if (mask.has_alpha())
    plane = Image(cv::Mat(plane.pixels.mul(to_depth(alpha_part(mask), Depth::u8).pixels, 1.0 / 255)));
  return resize(plane, picture.width, picture.height, Interpolation::area);
}

torch::Tensor places_of(const Image& mask, cv::Size picture, cv::Size padded, int cell) {
  const Image plane = stretched_mask(mask, picture);
  const torch::Tensor values = tensor_from_image(plane.pixels);
  const torch::Tensor wide =
      torch::replication_pad2d(values, {0, padded.width - picture.width, 0, padded.height - picture.height});
  return torch::avg_pool2d(wide, {cell, cell}, {cell, cell});
}

}  // namespace ganvas
