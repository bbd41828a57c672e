#include "ganvas/nn/generator.hpp"

#include <torch/torch.h>

#include "ganvas/core/error.hpp"

namespace ganvas {

int picture_channels(const GeneratorInfo& info) {
  return info.in_channels - (info.palettes > 0 ? palette_channels : 0);
}

torch::Tensor to_range(const torch::Tensor& unit, const GeneratorInfo& info) {
  const double width = info.value_range - info.value_low;
  if (info.value_low == 0) return width == 1 ? unit : unit * width;
  return unit * width + info.value_low;
}

torch::Tensor from_range(const torch::Tensor& values, const GeneratorInfo& info) {
  const double width = info.value_range - info.value_low;
  if (info.value_low == 0) return width == 1 ? values : values / width;
  return (values - info.value_low) / width;
}

std::vector<torch::Tensor> Generator::features(const torch::Tensor&, const std::vector<int>&) {
  fail(ErrorKind::recipe, "generator.architecture: {} has no encoder whose patches could be compared; take resnet",
       architecture());
}

}  // namespace ganvas
