#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <algorithm>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_max_pool(Call& call) {
  const auto pair = [&](std::size_t i) {
    const std::vector<int> values = call.numbers(i);
    return std::array<int, 2>{values.at(0), values.at(values.size() - 1)};
  };
  MaxPool made;
  made.window = pair(1);
  made.stride = call.numbers(2).empty() ? made.window : pair(2);
  if (pair(3) != std::array{0, 0} || pair(4) != std::array{1, 1} || call.truth(5))
    call.refuse("is padded, dilated or rounded up");
  call.give(made, {call.picture(0)});
}

/// The largest of rows of pixels of `block` channels, into the first.
void raise(float* most, const float* row, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) most[i] = std::max(most[i], row[i]);
}

void pool(const MaxPool& op, const View& in, const View& out) {
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    float* most = load_own(in, block, y * op.stride[down], buffers[0]);
    for (int i = 1; i < op.window[down]; ++i)
      raise(most, load(in, block, y * op.stride[down] + i, buffers[1]), in.row());
    buffers[2].resize(static_cast<std::size_t>(out.row()));
    for (std::ptrdiff_t x = 0; x < out.width; ++x) {
      float* to = buffers[2].data() + x * out.block;
      const float* from = most + x * op.stride[across] * in.block;
      std::copy_n(from, out.block, to);
      for (int i = 1; i < op.window[across]; ++i)
        raise(to, from + static_cast<std::ptrdiff_t>(i) * in.block, out.block);
    }
    store(out, block, y, buffers[2].data());
  });
}

}  // namespace

std::vector<Traced> MaxPool::traced() { return {{"aten::max_pool2d", translate_max_pool}}; }

std::vector<Example> MaxPool::examples() {
  return {{.name = "max pool",
           .forward =
               [](const Tensor& x) {
                 return at::upsample_nearest2d(at::max_pool2d(at::sigmoid(x), {2, 2}), {x.size(2), x.size(3)});
               },
           .channels = 19,
           .multiple = 2}};
}

int MaxPool::side(Axis axis, int from) const {
  return from < window[axis] ? 0 : (from - window[axis]) / stride[axis] + 1;
}

Span MaxPool::source(std::size_t, Axis axis, Span wanted, int) const {
  return {wanted.first * stride[axis], (wanted.end - 1) * stride[axis] + window[axis]};
}

Tensor MaxPool::evaluate(Evaluation& e) const {
  return at::max_pool2d(e.inputs[0], {window[0], window[1]}, {stride[0], stride[1]});
}

Kernel MaxPool::kernel() const {
  return [op = *this](std::span<const View> in, const View& out) { pool(op, in[0], out); };
}

std::string MaxPool::onnx(OnnxWriter& writer, const Names& inputs) const {
  return writer.add("MaxPool", inputs,
                    {{"kernel_shape", OnnxWriter::Integers{window[0], window[1]}},
                     {"strides", OnnxWriter::Integers{stride[0], stride[1]}}});
}

std::string MaxPool::script(ScriptWriter& writer, const Names& inputs) const {
  return writer.call("torch.max_pool2d",
                     {inputs[0], writer.list({window[0], window[1]}), writer.list({stride[0], stride[1]})});
}

}  // namespace ganvas::engine
