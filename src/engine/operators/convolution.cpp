#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>

#include "engine/export/script_writer.hpp"
#include "engine/operators/convolutions.hpp"
#include "ganvas/core/division.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

/// LibTorch has one name for both directions.
void translate_convolution(Call& call) {
  if (call.truth(6)) return TransposedConvolution::translate(call);
  Convolution made;
  read_convolution(call, made);
  call.give(made, {call.picture(0)});
}

/// A linear layer of tokens is a convolution of pixels. `weight`: O x I.
void give_linear(Call& call, const Tensor& weight, const Tensor& bias) {
  if (call.form() != Form::tokens || weight.dim() != 2) call.refuse("is of no tokens");
  Convolution made;
  made.weight = weight.contiguous().view({weight.size(0), weight.size(1), 1, 1});
  made.bias = bias;
  call.give(made, {call.picture(0)});
}
void translate_linear(Call& call) { give_linear(call, call.tensor(1), call.tensor(2)); }
/// The same without its bias.
void translate_matmul(Call& call) {
  if (!call.is_picture(0) || call.is_picture(1)) call.refuse("is of no tokens by weights");
  const Tensor weight = call.tensor(1);
  give_linear(call, weight.dim() == 2 ? weight.t() : weight, {});
}

/// Of random weights with `out` channels of the result, in `groups` groups.
Example example(const std::string& name, std::int64_t channels, std::int64_t out, std::array<std::int64_t, 2> kernel,
                std::array<std::int64_t, 2> padding, std::int64_t dilation = 1, std::int64_t groups = 1) {
  const Tensor weight = 0.3 * at::randn({out, channels / groups, kernel[0], kernel[1]}), bias = at::randn({out});
  return {.name = "convolution: " + name,
          .forward =
              [=](const Tensor& x) {
                return at::conv2d(x, weight, bias, at::IntArrayRef{1, 1}, padding, at::IntArrayRef{dilation, dilation},
                                  groups);
              },
          .channels = static_cast<int>(channels)};
}

/// With an activation behind it, which becomes part of it.
Example activated(const std::string& name, Tensor (*curve)(const Tensor&)) {
  const Tensor weight = at::randn({20, 3, 3, 3}), bias = at::randn({20});
  return {"convolution: " + name + " behind it", [=](const Tensor& x) {
            return curve(at::conv2d(x, weight, bias, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1}));
          }};
}

/// Half the size; a shuffle makes a picture of the old one of it again.
Example strided() {
  const Tensor weight = 0.3 * at::randn({12, 3, 3, 3});
  return {.name = "convolution: stride",
          .forward =
              [=](const Tensor& x) {
                return at::pixel_shuffle(at::conv2d(x, weight, {}, at::IntArrayRef{2, 2}, at::IntArrayRef{1, 1}), 2);
              },
          .multiple = 2};
}

/// Two in a row with a sum and an activation behind, which the graph makes part of the second.
Example residual() {
  const Tensor first = 0.3 * at::randn({17, 3, 3, 3}), second = 0.1 * at::randn({3, 17, 3, 3});
  return {"convolution: residual and activation", [=](const Tensor& x) {
            const Tensor y = at::conv2d(x, first, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1});
            const Tensor z = at::conv2d(y, second, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1});
            return at::leaky_relu(0.2 * z + x, 0.1);
          }};
}

/// Two layers of tokens and a part of what they give.
Example linear() {
  const Tensor first = 0.3 * at::randn({20, 3}), second = 0.3 * at::randn({3, 12}), bias = at::randn({20});
  return {"convolution: linear layers of tokens", [=](const Tensor& x) {
            const Tensor y = at::gelu(at::linear(x.permute({0, 2, 3, 1}), first, bias)).narrow(3, 5, 12);
            return x + at::matmul(y, second.t()).permute({0, 3, 1, 2});
          }};
}

}  // namespace

std::vector<Traced> Convolution::traced() {
  return {{"aten::_convolution", translate_convolution},
          {"aten::linear", translate_linear},
          {"aten::matmul", translate_matmul}};
}

std::vector<Example> Convolution::examples() {
  return {example("1x1", 3, 5, {1, 1}, {0, 0}),
          example("3x3", 16, 20, {3, 3}, {1, 1}),
          example("5x3", 3, 4, {5, 3}, {2, 1}),
          example("dilation", 3, 4, {3, 3}, {2, 2}, 2),
          example("groups", 6, 4, {3, 3}, {1, 1}, 1, 2),
          example("depthwise", 16, 16, {7, 7}, {3, 3}, 1, 16),
          example("large kernel", 3, 4, {17, 17}, {8, 8}),
          activated("sigmoid", [](const Tensor& x) { return at::sigmoid(x); }),
          activated("silu", [](const Tensor& x) { return at::silu(x); }),
          activated("tanh", [](const Tensor& x) { return at::tanh(x); }),
          activated("gelu", [](const Tensor& x) { return at::gelu(x); }),
          activated("gelu by tanh", [](const Tensor& x) { return at::gelu(x, "tanh"); }),
          activated("mish", [](const Tensor& x) { return at::mish(x); }),
          strided(),
          residual(),
          linear()};
}

void Convolution::scale_and_shift(const Tensor& scale, const Tensor& shift) {
  const Tensor factors = scale.expand({channels()});
  weight = weight * factors.view({-1, 1, 1, 1});
  const Tensor old = bias.defined() ? bias * factors : at::zeros({channels()});
  bias = old + shift.expand({channels()});
}

int Convolution::side(Axis axis, int from) const {
  return divided_down(from + 2 * padding[axis] - extent(axis), stride[axis]) + 1;
}

Span Convolution::reads(Axis axis, Span wanted) const {
  const int step = stride[axis];
  return {wanted.first * step - padding[axis], (wanted.end - 1) * step - padding[axis] + extent(axis)};
}

/// Every weight meets every pixel of the result.
double Convolution::multiply_adds(double area) const { return static_cast<double>(weight.numel()) * area; }

/// A copy of the input with its zeros.
double Convolution::scratch_bytes(const Region&, const Region& source) const {
  return 4 * static_cast<double>(source.area()) * static_cast<double>(weight.size(1)) * groups;
}

Tensor Convolution::products(const Tensor& x, const Region&, const Region&) const {
  const auto precision = x.scalar_type();
  return at::conv2d(x, weight.to(precision), bias.defined() ? bias.to(precision) : bias, wide(stride),
                    at::IntArrayRef{0, 0}, wide(dilation), groups);
}

std::string Convolution::onnx_products(OnnxWriter& writer, const std::string& x) const {
  return writer.add("Conv", onnx_arguments(writer, *this, x), onnx_attributes(*this));
}

std::string Convolution::script_products(ScriptWriter& writer, const std::string& x) const {
  const auto pair = [](const std::array<int, 2>& values) { return ScriptWriter::list({values[0], values[1]}); };
  const std::string weights = writer.kept("weight", weight), biases = writer.kept("bias", bias);
  return writer.call("torch.conv2d",
                     {x, weights, biases, pair(stride), pair(padding), pair(dilation), std::to_string(groups)});
}

}  // namespace ganvas::engine
