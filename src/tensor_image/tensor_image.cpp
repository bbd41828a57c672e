#include "ganvas/tensor_image/tensor_image.hpp"

#include <torch/types.h>

#include "ganvas/core/error.hpp"

namespace ganvas {

torch::Tensor tensor_from_image(const cv::Mat& pixels, double range, double low) {
  const int channels = pixels.channels();
  // channels_last stores N x C x H x W as N x H x W x C: the very layout of a picture, so this is one pass.
  torch::Tensor tensor = torch::empty({1, pixels.rows, pixels.cols, channels}, torch::kFloat);
  cv::Mat view(pixels.rows, pixels.cols, CV_MAKETYPE(CV_32F, channels), tensor.data_ptr<float>());
  const double peak = pixels.depth() == CV_8U ? 255.0 : pixels.depth() == CV_16U ? 65535.0 : 1.0;
  pixels.convertTo(view, CV_32F, (range - low) / peak, low);
  return tensor.permute({0, 3, 1, 2});
}

torch::Tensor tensor_from_images(const std::vector<Image>& images) {
  const cv::Mat& first = images.front().pixels;
  const int channels = first.channels();
  const auto count = static_cast<std::int64_t>(images.size());
  torch::Tensor batch = torch::empty({count, first.rows, first.cols, channels}, torch::kFloat);
  float* target = batch.data_ptr<float>();
  for (const Image& image : images) {
    cv::Mat view(first.rows, first.cols, CV_MAKETYPE(CV_32F, channels), target);
    image.pixels.convertTo(view, CV_32F, 1.0 / max_value(image.depth()));
    target += first.total() * static_cast<std::size_t>(channels);
  }
  return batch.permute({0, 3, 1, 2});
}

cv::Mat matrix_from_tensor(const torch::Tensor& tensor, double range, double low) {
  torch::Tensor image = tensor.detach();
  if (image.dim() == 4) {
    if (image.size(0) != 1) fail(ErrorKind::internal, "a batch of {} is not one picture", image.size(0));
    image = image[0];
  }
  image = image.permute({1, 2, 0}).to(torch::kCPU, torch::kFloat).contiguous();
  const cv::Mat view(static_cast<int>(image.size(0)), static_cast<int>(image.size(1)),
                     CV_MAKETYPE(CV_32F, static_cast<int>(image.size(2))), image.data_ptr<float>());
  cv::Mat result;
  view.convertTo(result, CV_32F, 1.0 / (range - low), -low / (range - low));
  return result;
}

Image image_from_tensor(const torch::Tensor& tensor, Depth depth, double range, double low) {
  return to_depth(Image(matrix_from_tensor(tensor, range, low)), depth);
}

}  // namespace ganvas
