#include <ATen/ops/constant_pad_nd.h>

#include "engine/export/script_writer.hpp"
#include "engine/operators/convolutions.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

/// Zeros around what lies in the picture.
Tensor with_zeros(const Tensor& x, const Region& there, const Region& wanted) {
  if (there == wanted) return x;
  return at::constant_pad_nd(x, {there.columns.first - wanted.columns.first, wanted.columns.end - there.columns.end,
                                 there.rows.first - wanted.rows.first, wanted.rows.end - there.rows.end});
}

}  // namespace

void read_convolution(const Call& call, AnyConvolution& made) {
  made.weight = call.tensor(1);
  made.bias = call.tensor(2);
  const auto pair = [&](std::size_t i) {
    const std::vector<int> values = call.numbers(i);
    return std::array<int, 2>{values.at(0), values.at(values.size() - 1)};
  };
  if (made.weight.dim() != 4) call.refuse("is not two-dimensional");
  made.stride = pair(3);
  made.padding = pair(4);
  made.dilation = pair(5);
  made.groups = static_cast<int>(call.number(8));
}

int AnyConvolution::extent(Axis axis) const {
  return dilation[axis] * (static_cast<int>(weight.size(dimension(axis))) - 1) + 1;
}

bool AnyConvolution::takes(std::span<const Size> inputs, Size result) const {
  return inputs.size() < 2 || inputs[1] == result;
}

Span AnyConvolution::source(std::size_t which, Axis axis, Span wanted, int) const {
  return which == 0 ? reads(axis, wanted) : wanted;
}

Tensor AnyConvolution::evaluate(Evaluation& e) const {
  const Region read{reads(down, e.wanted.rows), reads(across, e.wanted.columns)};
  Tensor x = with_zeros(e.inputs[0], e.regions[0], read);
  e.inputs[0].reset();
  const auto precision = e.bf16 ? at::kBFloat16 : at::kFloat;
  x = x.to(precision).contiguous(channels_last);
  Tensor y = products(x, read, e.wanted);
  x.reset();
  y = y.to(at::kFloat);
  if (e.inputs.size() > 1) y = weighted_sum(std::move(y), 1, e.take(1), residual_factor);
  return activation.apply(y.contiguous(channels_last));
}

OnnxWriter::Attributes onnx_attributes(const AnyConvolution& conv) {
  const auto& [above, left] = conv.padding;
  return {{"kernel_shape",
           OnnxWriter::Integers{conv.weight.size(2), conv.weight.size(3)}},  // optional, but not for all readers
          {"strides", wide(conv.stride)},
          {"pads", OnnxWriter::Integers{above, left, above, left}},
          {"dilations", wide(conv.dilation)},
          {"group", conv.groups}};
}

Names onnx_arguments(OnnxWriter& writer, const AnyConvolution& conv, const std::string& x) {
  Names arguments{x, writer.constant(conv.weight)};
  if (conv.bias.defined()) arguments.push_back(writer.constant(conv.bias));
  return arguments;
}

std::string AnyConvolution::onnx(OnnxWriter& writer, const Names& inputs) const {
  std::string result = onnx_products(writer, inputs[0]);
  if (inputs.size() > 1) result = writer.add("Add", {result, writer.scaled(inputs[1], residual_factor)});
  return activation.onnx(writer, result);
}

std::string AnyConvolution::script(ScriptWriter& writer, const Names& inputs) const {
  std::string result = script_products(writer, inputs[0]);
  if (inputs.size() > 1) result = "(" + result + " + " + writer.scaled(inputs[1], residual_factor) + ")";
  return activation.script(writer, result);
}

}  // namespace ganvas::engine
