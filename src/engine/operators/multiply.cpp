#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_multiply(Call& call) {
  const bool first = call.is_picture(0), second = call.is_picture(1);
  if (!first || !second) return Affine::translate(call, call.tensor(first ? 1 : 0), at::zeros({1}), first ? 0 : 1);
  const auto a = call.sizes(0), b = call.sizes(1);
  const auto weights = [](const auto& x, const auto& by) {
    const bool each_channel = by[1] == x[1] && by[2] == 1 && by[3] == 1;
    const bool each_pixel = by[1] == 1 && by[2] == x[2] && by[3] == x[3];
    return by == x || each_channel || each_pixel;
  };
  if (a.size() != 4 || b.size() != 4) call.refuse("multiplies no pictures");
  if (weights(a, b)) return call.give(Multiply(), {call.picture(0), call.picture(1)});
  if (!weights(b, a)) call.refuse("multiplies different shapes");
  call.give(Multiply(), {call.picture(1), call.picture(0)});
}

}  // namespace

std::vector<Traced> Multiply::traced() {
  return {{"aten::mul", translate_multiply}, {"aten::mul_", translate_multiply}};
}

std::vector<Example> Multiply::examples() {
  return {{"multiply", [](const Tensor& x) { return x * at::sigmoid(x); }},
          {.name = "multiply by one a channel",
           .forward =
               [](const Tensor& x) {
                 return x * at::sigmoid(at::mean(x, {2, 3}, true));
               },
           .global = true},
          {"multiply by one a pixel", [](const Tensor& x) { return x * at::sigmoid(x.narrow(1, 1, 1)); }}};
}

bool Multiply::takes(std::span<const Size> inputs, Size) const {
  return inputs[1] == Size{1, 1} || inputs[1] == inputs[0];
}

Tensor Multiply::evaluate(Evaluation& e) const { return own(e.take(0)).mul_(e.inputs[1]); }

Kernel Multiply::kernel() const {
  return [](std::span<const View> in, const View& out) {
    const View &a = in[0], &b = in[1];
    const bool plane = b.channels == 1 && a.channels > 1, pixel = !plane && b.height == 1 && b.width == 1;
    const std::vector<float> zeros(static_cast<std::size_t>(a.block), 0.0F);
    for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
      float* row = load_own(a, block, y, buffers[0]);
      const float* factors = load(b, plane ? 0 : block, pixel ? 0 : y, buffers[1]);
      if (plane) {
        for (int x = 0; x < a.width; ++x) {
          const float factor = factors[static_cast<std::ptrdiff_t>(x) * b.block];
          for (int c = 0; c < a.block; ++c) row[static_cast<std::ptrdiff_t>(x) * a.block + c] *= factor;
        }
      } else if (pixel) scale_shift(row, factors, zeros.data(), a.width, a.block);
      else
        for (std::int64_t i = 0; i < a.row(); ++i) row[i] *= factors[i];
      store(out, block, y, row);
    });
  };
}

std::string Multiply::onnx(OnnxWriter& writer, const Names& inputs) const { return writer.add("Mul", inputs); }
std::string Multiply::script(ScriptWriter&, const Names& inputs) const { return inputs[0] + " * " + inputs[1]; }

}  // namespace ganvas::engine
