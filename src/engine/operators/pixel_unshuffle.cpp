#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/sigmoid.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_pixel_unshuffle(Call& call) {
  PixelUnshuffle made;
  made.factor = static_cast<int>(call.number(1));
  call.give(made, {call.picture(0)});
}

void unshuffle(const View& in, int factor, const View& out) {
  const int planes = factor * factor;
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    buffers[1].assign(static_cast<std::size_t>(out.row()), 0.0F);
    const int first = block * out.block, last = std::min(out.channels, first + out.block);
    for (int k = first; k < last; ++k) {
      const int c = k / planes, i = k % planes / factor, j = k % factor;
      const float* row = load(in, c / in.block, y * factor + i, buffers[0]) + c % in.block;
      for (int x = 0; x < out.width; ++x)
        buffers[1][static_cast<std::size_t>(x) * static_cast<std::size_t>(out.block) +
                   static_cast<std::size_t>(k - first)] = row[static_cast<std::ptrdiff_t>(x * factor + j) * in.block];
    }
    store(out, block, y, buffers[1].data());
  });
}

}  // namespace

std::vector<Traced> PixelUnshuffle::traced() { return {{"aten::pixel_unshuffle", translate_pixel_unshuffle}}; }

std::vector<Example> PixelUnshuffle::examples() {
  return {
      {.name = "pixel unshuffle and back",
       .forward =
           [](const Tensor& x) { return at::pixel_shuffle(at::sigmoid(at::pixel_unshuffle(at::sigmoid(x), 3)), 3); },
       .multiple = 3}};
}

bool PixelUnshuffle::takes(std::span<const Size> inputs, Size) const {
  return inputs[0].height % factor == 0 && inputs[0].width % factor == 0;
}

Span PixelUnshuffle::source(std::size_t, Axis, Span wanted, int) const {
  return {wanted.first * factor, wanted.end * factor};
}

Tensor PixelUnshuffle::evaluate(Evaluation& e) const { return at::pixel_unshuffle(e.inputs[0], factor); }

Kernel PixelUnshuffle::kernel() const {
  return [factor = factor](std::span<const View> in, const View& out) { unshuffle(in[0], factor, out); };
}

/// ONNX gathers channels as (row, column, channel), LibTorch as (channel, row, column).
std::string PixelUnshuffle::onnx(OnnxWriter& writer, const Names& inputs) const {
  const std::int64_t cells = std::int64_t{factor} * factor, channels = writer.channels() / cells;
  OnnxWriter::Integers order;
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t cell = 0; cell < cells; ++cell) order.push_back(cell * channels + c);
  const std::string deep = writer.add("SpaceToDepth", {inputs[0]}, {{"blocksize", factor}});
  return writer.add("Gather", {deep, writer.integers(order)}, {{"axis", 1}});
}

std::string PixelUnshuffle::script(ScriptWriter& writer, const Names& inputs) const {
  return writer.call("torch.pixel_unshuffle", {inputs[0], std::to_string(factor)});
}

}  // namespace ganvas::engine
