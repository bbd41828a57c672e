#include <ATen/ops/lerp.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include "engine/export/script_writer.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/resize.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/nn/traced_operators.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_bilinear(Call& call) {
  Bilinear made;
  made.factor = enlargement(call);
  made.align_corners = call.truth(2);
  call.give(made, {call.picture(0)});
}

void translate_bilinear_like(Call& call) {
  Bilinear made;
  made.like = true;
  call.give(made, {call.picture(1), call.picture(0)});
}

/// Where place `i` of an enlarged axis lies between the `from` original ones, in [0, from - 1].
double place_of(int i, int from, int to, bool align_corners) {
  double place = (i + 0.5) * from / to - 0.5;
  if (align_corners) place = to > 1 ? static_cast<double>(i) * (from - 1) / (to - 1) : 0;
  return std::clamp(place, 0.0, from - 1.0);
}

/// Where places first .. end - 1 come from along one axis.
struct Taps {
  std::vector<std::int64_t> low, high;
  std::vector<float> share;  ///< of high
};

Taps taps(Span wanted, int from, int to, bool align_corners) {
  Taps result;
  for (int i = wanted.first; i < wanted.end; ++i) {
    const double place = place_of(i, from, to, align_corners);
    const int low = std::min(static_cast<int>(place), from - 1);
    result.low.push_back(low);
    result.high.push_back(std::min(low + 1, from - 1));
    result.share.push_back(static_cast<float>(place - low));
  }
  return result;
}

void enlarge(const View& in, bool align_corners, const View& out) {
  const Taps rows = taps({0, out.height}, in.height, out.height, align_corners),
             columns = taps({0, out.width}, in.width, out.width, align_corners);
  for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
    const auto at = static_cast<std::size_t>(y);
    const auto low_row = static_cast<int>(rows.low[at]), high_row = static_cast<int>(rows.high[at]);
    float* mixed = load_own(in, block, low_row, buffers[0]);
    axpby(mixed, 1 - rows.share[at], load(in, block, high_row, buffers[1]), rows.share[at], in.row());
    buffers[2].resize(static_cast<std::size_t>(out.row()));
    for (std::size_t x = 0; x < columns.low.size(); ++x) {
      const float* low = mixed + columns.low[x] * in.block;
      const float* high = mixed + columns.high[x] * in.block;
      float* to = buffers[2].data() + x * static_cast<std::size_t>(in.block);
      for (int c = 0; c < in.block; ++c) to[c] = low[c] + (high[c] - low[c]) * columns.share[x];
    }
    store(out, block, y, buffers[2].data());
  });
}

Example example(const std::string& name, std::int64_t factor, bool align_corners) {
  return {.name = "bilinear: " + name,
          .forward =
              [=](const Tensor& x) {
                return at::upsample_bilinear2d(at::sigmoid(x), {factor * x.size(2), factor * x.size(3)}, align_corners);
              },
          .scale = static_cast<int>(factor)};
}

}  // namespace

std::vector<Traced> Bilinear::traced() {
  return {{"aten::upsample_bilinear2d", translate_bilinear}, {"ganvas::bilinear_like", translate_bilinear_like}};
}

std::vector<Example> Bilinear::examples() {
  return {example("twice", 2, false),
          example("four times", 4, false),
          example("by its corners", 2, true),
          {.name = "bilinear: to the size of another",
           .forward =
               [](const Tensor& x) {
                 return x * bilinear_like(at::max_pool2d(at::sigmoid(x), {5, 4}, {3, 2}), x);
               },
           .global = true}};
}

bool Bilinear::takes(std::span<const Size>, Size) const { return true; }

/// What is enlarged to another's size is small.
Span Bilinear::source(std::size_t which, Axis, Span wanted, int from) const {
  if (like) return which == 0 ? Span{wanted.first, wanted.first + 1} : Span{0, from};
  const int to = from * factor;
  return {static_cast<int>(place_of(wanted.first, from, to, align_corners)),
          static_cast<int>(place_of(wanted.end - 1, from, to, align_corners)) + 2};
}

Tensor Bilinear::evaluate(Evaluation& e) const {
  const std::size_t which = like ? 1 : 0;
  Tensor x = e.inputs[which];
  for (const Axis axis : axes) {
    const int from = along(e.sizes[which], axis), to = like ? along(e.sizes[0], axis) : from * factor;
    Taps places = taps(along(e.wanted, axis), from, to, align_corners);
    const int first = along(e.regions[which], axis).first;
    for (std::int64_t& place : places.low) place -= first;
    for (std::int64_t& place : places.high) place -= first;
    const std::vector<std::int64_t> shape =
        axis == down ? std::vector<std::int64_t>{1, 1, -1, 1} : std::vector<std::int64_t>{1, 1, 1, -1};
    x = at::lerp(x.index_select(dimension(axis), at::tensor(places.low)),
                 x.index_select(dimension(axis), at::tensor(places.high)), at::tensor(places.share).view(shape));
  }
  return x;
}

Kernel Bilinear::kernel() const {
  return [corners = align_corners](std::span<const View> in, const View& out) { enlarge(in.back(), corners, out); };
}

std::string Bilinear::onnx(OnnxWriter& writer, const Names& inputs) const {
  if (like) {
    const auto part = [&](const std::string& x, std::int64_t first) {
      return writer.add("Slice", {writer.add("Shape", {x}), writer.integers({first}), writer.integers({first + 2})});
    };
    const std::string size = writer.add("Concat", {part(inputs[1], 0), part(inputs[0], 2)}, {{"axis", 0}});
    return writer.add("Resize", {inputs[1], "", "", size},
                      {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}});
  }
  return onnx_resized(
      writer, inputs[0], factor,
      {{"mode", "linear"}, {"coordinate_transformation_mode", align_corners ? "align_corners" : "half_pixel"}});
}

std::string Bilinear::script(ScriptWriter& writer, const Names& inputs) const {
  if (like)
    return writer.call("torch.upsample_bilinear2d",
                       {inputs[1], "[" + inputs[0] + ".size(2), " + inputs[0] + ".size(3)]", writer.truth(false)});
  return writer.call("torch.upsample_bilinear2d",
                     {inputs[0], script_size(inputs[0], factor), writer.truth(align_corners)});
}

}  // namespace ganvas::engine
