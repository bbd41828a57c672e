#include <ATen/ops/batch_norm.h>
#include <ATen/ops/div.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_batch_norm(Call& call) {
  if (call.truth(5)) call.refuse("is in training mode");
  const Tensor mean = call.tensor(3), variance = call.tensor(4);
  Tensor scale = at::rsqrt(variance + call.number(7));
  if (const Tensor weight = call.tensor(1); weight.defined()) scale = scale * weight;
  Tensor shift = -mean * scale;
  if (const Tensor bias = call.tensor(2); bias.defined()) shift = shift + bias;
  Affine::translate(call, scale, shift);
}

void translate_division(Call& call) {
  if (call.is_picture(1)) call.refuse("divides by a picture");
  Affine::translate(call, 1 / call.tensor(1), at::zeros({1}));
}

}  // namespace

void Affine::translate(Call& call, const Tensor& scale, const Tensor& shift, std::size_t input) {
  const std::int64_t channels = call.channels();
  for (const Tensor& values : {scale, shift}) {
    const bool one_a_channel =
        values.numel() == channels && (values.dim() == 1 || values.size(values.dim() - 3) == channels);
    if (values.numel() != 1 && !one_a_channel) call.refuse("a constant is neither one number nor one a channel");
  }
  Affine made;
  made.scale = scale.flatten();
  made.shift = shift.flatten();
  call.give(made, {call.picture(input)});
}

std::vector<Traced> Affine::traced() {
  return {{"aten::batch_norm", translate_batch_norm},
          {"aten::div", translate_division},
          {"aten::div_", translate_division}};
}

std::vector<Example> Affine::examples() {
  const Tensor mean = at::randn({3}), variance = at::rand({3}) + 0.5, weight = at::randn({3}), bias = at::randn({3});
  return {{"affine: batch norm",
           [=](const Tensor& x) { return at::batch_norm(x, weight, bias, mean, variance, false, 0.1, 1e-5, false); }},
          {"affine: one number", [](const Tensor& x) { return 3 * x - 1; }},
          {"affine: one a channel", [=](const Tensor& x) {
             return x / (variance.view({1, 3, 1, 1}));
           }}};
}

Tensor Affine::evaluate(Evaluation& e) const {
  return own(e.take(0)).mul_(per_channel(scale)).add_(per_channel(shift));
}

Kernel Affine::kernel() const {
  return [scale = floats(scale), shift = floats(shift)](std::span<const View> in, const View& out) {
    scale_and_shift(in[0], scale, shift, out);
  };
}

std::string Affine::onnx(OnnxWriter& writer, const Names& inputs) const {
  return writer.add("Add", {writer.add("Mul", {inputs[0], writer.per_channel(scale)}), writer.per_channel(shift)});
}

std::string Affine::script(ScriptWriter& writer, const Names& inputs) const {
  const std::string factor = writer.kept_per_channel("scale", scale);
  return inputs[0] + " * " + factor + " + " + writer.kept_per_channel("shift", shift);
}

}  // namespace ganvas::engine
