#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/channel_mixing.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/nn/traced_operators.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_channel_attention(Call& call) {
  if (call.form() != Form::tokens) call.refuse("is of no tokens");
  ChannelAttention made;
  made.temperature = call.tensor(1).flatten();
  made.kind.heads = static_cast<int>(call.number(2));
  const std::vector<int> window = call.numbers(3);
  made.kind.window = {window.at(0), window.at(1)};
  made.kind.grid = call.truth(4);
  made.kind.width = call.channels();
  call.give(made, {call.picture(0)});
}

}  // namespace

std::vector<Traced> ChannelAttention::traced() { return {{"ganvas::channel_attention", translate_channel_attention}}; }

std::vector<Example> ChannelAttention::examples() {
  const auto example = [](const char* name, int heads, int width, Window window, bool grid, int multiple) {
    const Tensor wide = at::randn({3 * width, 3}), back = 0.3 * at::randn({3, width}),
                 temperature = at::rand({heads, 1, 1}) + 0.5;
    return Example{
        .name = std::string("channel attention: ") + name,
        .forward =
            [=](const Tensor& x) {
              const Tensor qkv = at::linear(x.permute({0, 2, 3, 1}), wide);
              return x +
                     at::linear(channel_attention(qkv, temperature, heads, window, grid), back).permute({0, 3, 1, 2});
            },
        .multiple = multiple,
        .global = grid || window.tokens() == 0,
        .exported = false};
  };
  return {example("windows", 2, 10, {4, 4}, false, 4), example("the places of windows", 4, 64, {3, 3}, true, 3),
          example("whole", 3, 18, {0, 0}, false, 1)};
}

bool ChannelAttention::takes(std::span<const Size> inputs, Size result) const {
  const auto fits = [&](Axis axis) { return kind.window[axis] == 0 || along(result, axis) % kind.window[axis] == 0; };
  return inputs[0] == result && fits(down) && fits(across);
}

/// Whole windows, or everything.
Span ChannelAttention::source(std::size_t, Axis axis, Span wanted, int from) const {
  const int window = kind.window[axis];
  if (kind.grid || window == 0) return {0, from};
  return {wanted.first / window * window, (wanted.end + window - 1) / window * window};
}

/// Queries with keys, and weights with values.
double ChannelAttention::multiply_adds(double area) const { return 2.0 * kind.width * kind.width / kind.heads * area; }

Tensor ChannelAttention::evaluate(Evaluation& e) const {
  const Tensor input = e.inputs[0].contiguous(channels_last);
  const Tensor result = at::empty({input.size(0), e.channels, e.wanted.rows.size(), e.wanted.columns.size()},
                                  input.options().memory_format(channels_last));
  for (std::int64_t i = 0; i < result.size(0); ++i)
    mix_channels(kind, floats(temperature), e.sizes[0], patch_of(input, i, e.regions[0]),
                 patch_of(result, i, e.wanted));
  return result;
}

Kernel ChannelAttention::kernel() const {
  return [kind = kind, temperature = floats(temperature)](std::span<const View> in, const View& out) {
    mix_channels(kind, temperature, {out.height, out.width}, {in[0]}, {out});
  };
}

std::string ChannelAttention::onnx(OnnxWriter&, const Names&) const {
  fail(ErrorKind::model, "attention between channels can't be exported");
}

std::string ChannelAttention::script(ScriptWriter&, const Names&) const {
  fail(ErrorKind::model, "attention between channels can't be exported");
}

}  // namespace ganvas::engine
