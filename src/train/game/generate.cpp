#include "train/game/generate.hpp"

#include <torch/torch.h>

#include <opencv2/core.hpp>

#include "ganvas/nn/torch_compat.hpp"
#include "ganvas/tensor_image/tensor_image.hpp"

namespace ganvas {

torch::Tensor generate(const TaskContext& context, Generator& generator, const torch::Tensor& input) {
  generator.train();
  const AutocastScope autocast(context.bf16, context.device.is_cuda());
  return generator.forward(input).to(torch::kFloat);
}

Image generated_picture(Generator& generator, const Image& image, torch::Device device) {
  const torch::NoGradGuard no_grad;
  generator.eval();
  const GeneratorInfo info = generator.info();
  const torch::Tensor input = tensor_from_image(image.pixels, info.value_range, info.value_low).to(device);
  return image_from_tensor(generator.forward(input), Depth::u8, info.value_range, info.value_low);
}

double flicker_of(Generator& generator, const Image& image, const Image& result, torch::Device device) {
  const int border = 16, scale = result.width() / image.width();
  const cv::Size moved_size(image.width() - 1, image.height() - 1);
  const cv::Rect middle(border * scale, border * scale, (moved_size.width - 2 * border) * scale,
                        (moved_size.height - 2 * border) * scale);
  if (middle.width <= 0 || middle.height <= 0) return 0;
  const Image moved(image.pixels(cv::Rect(cv::Point(1, 1), moved_size)).clone());
  const Image other = generated_picture(generator, moved, device);
  const cv::Mat a = other.pixels(middle), b = result.pixels(middle + cv::Point(scale, scale));
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total() * static_cast<std::size_t>(a.channels()));
}

torch::Tensor StepFakes::of(const torch::Tensor& input, const std::function<torch::Tensor()>& make) const {
  if (const auto made = fakes_.find(input.data_ptr()); made != fakes_.end()) return made->second;
  const torch::NoGradGuard no_grad;
  return make();
}

}  // namespace ganvas
