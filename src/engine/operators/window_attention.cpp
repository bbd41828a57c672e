#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/nn/traced_operators.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

std::array<int, 2> pair(const Call& call, std::size_t i) {
  const std::vector<int> values = call.numbers(i);
  return {values.at(0), values.at(1)};
}

/// The mask is what follows from the shift.
void translate_window_attention(Call& call) {
  if (call.form() != Form::tokens) call.refuse("is of no tokens");
  WindowAttention made;
  AttentionKind& kind = made.kind;
  made.bias = call.tensor(1);
  kind.heads = static_cast<int>(call.number(3));
  kind.scale = static_cast<float>(call.number(4));
  kind.width = static_cast<int>(call.number(6));
  kind.window = pair(call, 7);
  kind.shift = pair(call, 8);
  kind.border = static_cast<int>(call.number(9));
  kind.grid = call.truth(10);
  const int all = static_cast<int>(call.sizes(0)[1]) / 3, first = static_cast<int>(call.number(5));
  kind.queries = first;
  kind.keys = all + first;
  kind.values = 2 * all + first;
  call.give(made, {call.picture(0)});
}

void translate_cell_attention(Call& call) {
  if (call.form() != Form::tokens) call.refuse("is of no tokens");
  WindowAttention made;
  AttentionKind& kind = made.kind;
  made.bias = call.tensor(2);
  kind.heads = static_cast<int>(call.number(4));
  kind.scale = static_cast<float>(call.number(5));
  kind.window = pair(call, 6);
  kind.shift = pair(call, 7);
  kind.cell = 2;
  kind.width = call.channels();
  kind.values = kind.width / 4;
  if (kind.shift[down] % 2 != 0 || kind.shift[across] % 2 != 0) call.refuse("shifts windows by parts of cells");
  call.give(made, {call.picture(0), call.picture(1)});
}

using Make = std::function<Tensor(const Tensor&)>;

/// Tokens of more channels than the picture, and back.
Make of_tokens(int channels, int width, int result, const std::function<Tensor(const Tensor&)>& attention) {
  const Tensor wide = at::randn({width, channels}), back = 0.3 * at::randn({channels, result});
  return [=](const Tensor& x) {
    const Tensor y = attention(at::linear(x.permute({0, 2, 3, 1}), wide));
    return x + at::linear(y, back).permute({0, 3, 1, 2});
  };
}

}  // namespace

std::vector<Traced> WindowAttention::traced() {
  return {{"ganvas::window_attention", translate_window_attention},
          {"ganvas::cell_attention", translate_cell_attention}};
}

std::vector<Example> WindowAttention::examples() {
  const auto example = [](const char* name, int width, const AttentionShape& shape, bool biased, int multiple,
                          bool global) {
    const int around = 2 * shape.border, keys = (shape.window.height + around) * (shape.window.width + around);
    const Tensor bias = biased ? at::randn({shape.heads, shape.window.tokens(), keys}) : Tensor();
    const int result = shape.width > 0 ? shape.width : width;
    return Example{.name = std::string("window attention: ") + name,
                   .forward = of_tokens(
                       3, 3 * width, result,
                       [=](const Tensor& qkv) {
                         const Window side = shape.window;
                         const std::int64_t most = std::max(side.height, side.width);
                         const auto filled = [most](std::int64_t size) { return (size + most - 1) / most * most; };
                         const bool moves = shape.shift.height > 0;
                         const Tensor mask =
                             moves ? shift_mask(filled(qkv.size(1)), filled(qkv.size(2)), side, shape.shift) : Tensor();
                         return window_attention(qkv, bias, mask, shape);
                       }),
                   .multiple = multiple,
                   .global = global,
                   .exported = false};
  };
  const auto cells = [](Window shift) {
    const Tensor bias = at::randn({2, 16, 4});
    return of_tokens(3, 12, 8, [=](const Tensor& x) {
      const Tensor mask = shift.height > 0 ? mask_between(shift_regions(x.size(1), x.size(2), {4, 4}, shift),
                                                          shift_regions(x.size(1) / 2, x.size(2) / 2, {2, 2}, {1, 1}))
                                           : Tensor();
      return cell_attention(x.narrow(3, 0, 8), x.narrow(3, 8, 4), bias, mask,
                            {.heads = 2, .scale = 0.5, .window = {4, 4}, .shift = shift});
    });
  };
  return {
      example("plain", 6, {.heads = 2, .scale = 0.5, .window = {4, 4}}, true, 4, false),
      example("shifted", 20, {.heads = 2, .scale = 0.3, .window = {4, 4}, .shift = {2, 2}}, true, 4, false),
      example("filled up, a part of the channels", 24,
              {.heads = 1, .scale = 0.5, .window = {2, 4}, .shift = {1, 2}, .first = 7, .width = 9}, true, 1, false),
      example("windows of keys around", 6, {.heads = 3, .scale = 0.5, .window = {3, 3}, .border = 2}, true, 3, false),
      example("grid", 8, {.heads = 2, .scale = 0.5, .window = {2, 2}, .grid = true}, false, 2, true),
      {.name = "window attention: cells", .forward = cells({0, 0}), .multiple = 4, .exported = false},
      {.name = "window attention: shifted cells", .forward = cells({2, 2}), .multiple = 4, .exported = false}};
}

bool WindowAttention::takes(std::span<const Size> inputs, Size result) const {
  if (inputs.back() != result) return false;
  const auto fits = [&](Axis axis) { return along(result, axis) % kind.window[axis] == 0; };
  return (!kind.grid && kind.cell == 1) || (fits(down) && fits(across));
}

/// Whole windows, of a grid everything.
Span WindowAttention::source(std::size_t, Axis axis, Span wanted, int from) const {
  if (kind.grid) return {0, from};
  const int window = kind.window[axis], skip = kind.shift[axis], border = kind.border;
  const auto start = [&](int place) { return (place - skip + window) / window * window + skip - window; };
  return {start(wanted.first) - border, start(wanted.end - 1) + window + border};
}

/// Queries with keys, and weights with values.
double WindowAttention::multiply_adds(double area) const { return 2.0 * kind.key_tokens() * kind.width * area; }

Tensor WindowAttention::evaluate(Evaluation& e) const {
  std::vector<Tensor> inputs;
  for (const Tensor& input : e.inputs) inputs.push_back(input.contiguous(channels_last));
  const Tensor result = at::empty({inputs[0].size(0), e.channels, e.wanted.rows.size(), e.wanted.columns.size()},
                                  inputs[0].options().memory_format(channels_last));
  const AttentionBias added(kind, floats(bias));
  for (std::int64_t i = 0; i < result.size(0); ++i)
    attend_in_windows(kind, added, e.sizes[0], patch_of(inputs[0], i, e.regions[0]),
                      patch_of(inputs.back(), i, e.regions.back()), patch_of(result, i, e.wanted));
  return result;
}

Kernel WindowAttention::kernel() const {
  return [kind = kind, bias = AttentionBias(kind, floats(bias))](std::span<const View> in, const View& out) {
    attend_in_windows(kind, bias, {out.height, out.width}, {in[0]}, {in.back()}, {out});
  };
}

std::string WindowAttention::onnx(OnnxWriter&, const Names&) const {
  fail(ErrorKind::model, "attention in windows can't be exported");
}

std::string WindowAttention::script(ScriptWriter&, const Names&) const {
  fail(ErrorKind::model, "attention in windows can't be exported");
}

}  // namespace ganvas::engine
