#include <ATen/ops/cat.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>

#include "engine/export/script_writer.hpp"
#include "engine/operators/convolutions.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/core/division.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

Example example(const std::string& name, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                std::int64_t extra, std::int64_t groups = 1) {
  const Tensor weight = 0.3 * at::randn({4, 8 / groups, kernel, kernel}), bias = at::randn({8});
  return {.name = "transposed convolution: " + name,
          .forward =
              [=](const Tensor& x) {
                const std::vector<std::int64_t> steps(2, stride), before(2, padding), behind(2, extra);
                return at::relu(at::conv_transpose2d(x, weight, bias, steps, before, behind, groups));
              },
          .channels = 4,
          .scale = static_cast<int>(stride)};
}

}  // namespace

void TransposedConvolution::translate(Call& call) {
  TransposedConvolution made;
  read_convolution(call, made);
  const std::vector<int> extra = call.numbers(7);
  made.output_padding = {extra.at(0), extra.at(extra.size() - 1)};
  call.give(made, {call.picture(0)});
}

std::vector<Traced> TransposedConvolution::traced() { return {}; }  // see Convolution

std::vector<Example> TransposedConvolution::examples() {
  return {example("3x3, stride 2", 3, 2, 1, 1), example("4x4, stride 2", 4, 2, 1, 0),
          example("gaps between the taps", 2, 4, 0, 2), example("groups", 4, 2, 1, 0, 2),
          example("stride 1", 3, 1, 1, 0)};
}

void TransposedConvolution::scale_and_shift(const Tensor& scale, const Tensor& shift) {
  const Tensor factors = scale.expand({channels()});
  // The output channels of a group lie in dimension 1.
  const std::int64_t inputs = weight.size(0) / groups;
  weight = weight * factors.view({groups, -1}).repeat_interleave(inputs, 0).unsqueeze(2).unsqueeze(3);
  const Tensor old = bias.defined() ? bias * factors : at::zeros({channels()});
  bias = old + shift.expand({channels()});
}

int TransposedConvolution::side(Axis axis, int from) const {
  return (from - 1) * stride[axis] - 2 * padding[axis] + extent(axis) + output_padding[axis];
}

Span TransposedConvolution::reads(Axis axis, Span wanted) const {
  // Input place i reaches the places i * stride - padding + (0 .. extent - 1) of the result.
  const int step = stride[axis], before = padding[axis];
  const int first = divided_up(wanted.first + before - extent(axis) + 1, step);
  const int last = divided_down(wanted.end - 1 + before, step);
  // Strides longer than the kernel leave gaps that no input reaches.
  return {std::min(first, divided_down(wanted.first + before, step)), std::max(first, last) + 1};
}

/// Every weight meets every pixel of the input.
double TransposedConvolution::multiply_adds(double area) const {
  return static_cast<double>(weight.numel()) * area / (stride[0] * stride[1]);
}

/// A copy of the input with its zeros; the rest may be a matrix product whose result is then added up.
double TransposedConvolution::scratch_bytes(const Region& wanted, const Region& source) const {
  const auto pixels = static_cast<double>(source.area());
  const auto columns = static_cast<double>(weight.numel() / weight.size(0));
  return 4 *
         (pixels * (static_cast<double>(weight.size(0)) + columns) + static_cast<double>(wanted.area()) * channels());
}

Tensor TransposedConvolution::products(const Tensor& x, const Region& read, const Region& wanted) const {
  const auto precision = x.scalar_type();
  Tensor y = at::conv_transpose2d(x, weight.to(precision), bias.defined() ? bias.to(precision) : bias, wide(stride),
                                  at::IntArrayRef{0, 0}, at::IntArrayRef{0, 0}, groups, wide(dilation));
  // The wanted part; places that no input reaches hold the bias.
  for (const Axis axis : axes) {
    const Span from = along(read, axis), to = along(wanted, axis);
    const std::int64_t skipped = to.first - (from.first * stride[axis] - padding[axis]);
    if (const std::int64_t missing = skipped + to.size() - y.size(dimension(axis)); missing > 0) {
      std::vector<std::int64_t> shape = y.sizes().vec();
      shape[axis + 2] = missing;
      const Tensor filling = bias.defined() ? per_channel(bias) : at::zeros({1, channels(), 1, 1});
      y = at::cat({y, filling.to(y.scalar_type()).expand(shape)}, dimension(axis));
    }
    y = y.narrow(dimension(axis), skipped, to.size());
  }
  return y;
}

std::string TransposedConvolution::onnx_products(OnnxWriter& writer, const std::string& x) const {
  OnnxWriter::Attributes attributes = onnx_attributes(*this);
  attributes.push_back({"output_padding", wide(output_padding)});
  return writer.add("ConvTranspose", onnx_arguments(writer, *this, x), attributes);
}

std::string TransposedConvolution::script_products(ScriptWriter& writer, const std::string& x) const {
  const auto pair = [](const std::array<int, 2>& values) { return ScriptWriter::list({values[0], values[1]}); };
  const std::string weights = writer.kept("weight", weight), biases = writer.kept("bias", bias);
  return writer.call("torch.conv_transpose2d", {x, weights, biases, pair(stride), pair(padding), pair(output_padding),
                                                std::to_string(groups), pair(dilation)});
}

}  // namespace ganvas::engine
