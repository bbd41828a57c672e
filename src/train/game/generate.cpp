#include "train/game/generate.hpp"

#include <torch/torch.h>

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

torch::Tensor StepFakes::of(const torch::Tensor& input, const std::function<torch::Tensor()>& make) const {
  if (const auto made = fakes_.find(input.data_ptr()); made != fakes_.end()) return made->second;
  const torch::NoGradGuard no_grad;
  return make();
}

}  // namespace ganvas
