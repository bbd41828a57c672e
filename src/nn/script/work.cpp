#include "nn/script/work.hpp"

#include <torch/types.h>

#include <algorithm>

namespace ganvas::script {

namespace {

using torch::Tensor;

/// The numbers that the argument gives the axes of a picture, one for all or one each; `otherwise` where it says
/// nothing.
double along(const c10::FunctionSchema& schema, const torch::jit::Stack& stack, const char* argument, std::size_t axis,
             double otherwise) {
  const auto index = schema.argumentIndexWithName(argument);
  if (!index) return otherwise;
  const c10::IValue& value = stack[static_cast<std::size_t>(*index)];
  if (value.isInt()) return static_cast<double>(value.toInt());
  if (!value.isIntList()) return otherwise;
  const std::vector<std::int64_t> numbers = value.toIntVector();
  return numbers.empty() ? otherwise : static_cast<double>(numbers[std::min(axis, numbers.size() - 1)]);
}

/// Every weight meets every place of the result, or, transposed, of the picture.
double convolution(const c10::FunctionSchema& schema, const torch::jit::Stack& stack, bool transposed) {
  const Tensor &input = stack[0].toTensor(), &weight = stack[1].toTensor();
  if (!input.defined() || !weight.defined()) return 0;
  double work = static_cast<double>(weight.numel());
  for (std::int64_t axis = input.dim() - weight.dim() + 2; axis < input.dim(); ++axis) {
    if (axis < 0) continue;
    const auto place = static_cast<std::size_t>(axis - (input.dim() - weight.dim() + 2));
    double side = static_cast<double>(input.size(axis));
    if (!transposed)
      side = (side + 2 * along(schema, stack, "padding", place, 0)) / along(schema, stack, "stride", place, 1);
    work *= std::max(side, 1.0);
  }
  return work * (input.dim() == weight.dim() ? static_cast<double>(input.size(0)) : 1);
}

double product(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined() || a.dim() == 0 || b.dim() == 0) return 0;
  const auto side = [](const Tensor& tensor, std::int64_t from_end) {
    return tensor.dim() < from_end ? 1.0 : static_cast<double>(tensor.size(-from_end));
  };
  double work = side(a, 2) * side(a, 1) * (b.dim() > 1 ? side(b, 1) : 1.0);
  for (std::int64_t axis = 3; axis <= std::max(a.dim(), b.dim()); ++axis)
    work *= std::max(side(a, axis), side(b, axis));
  return work;
}

double pool(const c10::FunctionSchema& schema, const torch::jit::Stack& stack) {
  double work = static_cast<double>(stack[0].toTensor().numel());
  for (const std::size_t axis : {0, 1}) {
    const double kernel = along(schema, stack, "kernel_size", axis, 1);
    work *= std::max(1.0, kernel / std::max(1.0, along(schema, stack, "stride", axis, kernel)));
  }
  return work;
}

}  // namespace

double work_of(const std::string& name, const c10::FunctionSchema& schema, const torch::jit::Stack& stack) {
  const auto tensor = [&](std::size_t i) {
    return i < stack.size() && stack[i].isTensor() ? stack[i].toTensor() : Tensor();
  };
  if (name == "aten::_convolution") {
    const auto transposed = schema.argumentIndexWithName("transposed");
    return convolution(schema, stack, transposed && stack[static_cast<std::size_t>(*transposed)].toBool());
  }
  if (name == "aten::conv1d" || name == "aten::conv2d") return convolution(schema, stack, false);
  if (name == "aten::conv_transpose2d") return convolution(schema, stack, true);
  if (name == "aten::matmul" || name == "aten::mm" || name == "aten::bmm") return product(tensor(0), tensor(1));
  if (name == "aten::addmm" || name == "aten::baddbmm") return product(tensor(1), tensor(2));
  if (name == "aten::linear" && tensor(1).defined() && tensor(1).dim() > 0)
    return static_cast<double>(tensor(0).numel()) * static_cast<double>(tensor(1).size(0));
  if (name == "aten::avg_pool2d" || name == "aten::max_pool2d") return pool(schema, stack);
  return 0;
}

}  // namespace ganvas::script
