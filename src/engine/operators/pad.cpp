#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/reflection_pad2d.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/nn/traced_operators.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

template <Pad::Kind kind>
void translate_pad(Call& call) {
  const std::vector<int> sides = call.numbers(1);  // left, right, top, bottom
  if (sides.size() != 4) call.refuse("is not two-dimensional");
  if (kind == Pad::Kind::zero && call.number(2) != 0) call.refuse("fills with another value than 0");
  if (kind != Pad::Kind::zero && std::ranges::any_of(sides, [](int side) { return side < 0; }))
    call.refuse("both cuts and mirrors");
  Pad made;
  made.kind = kind;
  made.before = {sides[2], sides[0]};
  made.after = {sides[3], sides[1]};
  call.give(made, {call.picture(0)});
}

/// ganvas/nn/traced_operators.hpp
void translate_surround(Call& call) {
  const std::string border = call.text(4);
  Pad made;
  made.kind = border == "zero" ? Pad::Kind::zero : border == "reflect" ? Pad::Kind::reflect : Pad::Kind::replicate;
  const int before = static_cast<int>(call.number(1));
  made.before = made.after = {before, before};
  made.multiple = static_cast<int>(call.number(2));
  made.smallest = static_cast<int>(call.number(3));
  made.far = made.kind == Pad::Kind::reflect;
  call.give(made, {call.picture(0)});
}

/// Which of `size` places the padded place `i` shows, `before` being added in front; -1: zero.
int shown(int i, int before, int size, Pad::Kind kind, bool far) {
  const int place = i - before;
  if (place >= 0 && place < size) return place;
  switch (kind) {
    case Pad::Kind::zero:
      return -1;
    case Pad::Kind::replicate:
      return std::clamp(place, 0, size - 1);
    case Pad::Kind::reflect: {
      const int mirrored = place < 0 ? -place : 2 * (size - 1) - place;
      return far ? std::clamp(mirrored, 0, size - 1) : mirrored;
    }
  }
  fail(ErrorKind::internal, "a border of no kind");
}

Tensor with_zeros(const Pad& pad, const Evaluation& e) {
  const Region& there = e.regions[0];
  const Region wanted{{e.wanted.rows.first - pad.before[down], e.wanted.rows.end - pad.before[down]},
                      {e.wanted.columns.first - pad.before[across], e.wanted.columns.end - pad.before[across]}};
  const Region inside = common(wanted, there);
  if (inside == wanted) return cropped(e.inputs[0], there, wanted);
  Tensor result = at::zeros({e.inputs[0].size(0), e.channels, wanted.rows.size(), wanted.columns.size()},
                            e.inputs[0].options().memory_format(channels_last));
  if (!inside.empty()) cropped(result, wanted, inside).copy_(cropped(e.inputs[0], there, inside));
  return result;
}

}  // namespace

std::vector<Traced> Pad::traced() {
  return {{"aten::reflection_pad2d", translate_pad<Kind::reflect>},
          {"aten::replication_pad2d", translate_pad<Kind::replicate>},
          {"aten::constant_pad_nd", translate_pad<Kind::zero>},
          {"ganvas::surround", translate_surround}};
}

std::vector<Example> Pad::examples() {
  // A convolution without borders of its own takes away what is added.
  const Tensor weight = 0.3 * at::randn({3, 3, 3, 5});
  const Tensor zero_weight = 0.3 * at::randn({3, 3, 3, 3});
  const std::vector<std::int64_t> added{3, 1, 0, 2};
  const auto convolved = [weight](const Tensor& x) { return at::conv2d(x, weight); };
  return {{"pad: reflect", [=](const Tensor& x) { return convolved(at::reflection_pad2d(at::sigmoid(x), added)); }},
          {"pad: replicate", [=](const Tensor& x) { return convolved(at::replication_pad2d(at::sigmoid(x), added)); }},
          {.name = "pad: cut off",
           .forward =
               [=](const Tensor& x) {
                 const Tensor large = at::constant_pad_nd(x, {5, 4, 1, 6});
                 return at::constant_pad_nd(at::sigmoid(large), {-5, -4, -1, -6});
               }},
          {.name = "pad: cut off by parts",
           .forward =
               [=](const Tensor& x) {
                 const Tensor y = at::sigmoid(at::constant_pad_nd(x, {2, 3, 4, 1}));
                 return y.narrow(2, 4, y.size(2) - 5).slice(3, 2, -3);
               }},
          {.name = "pad: far beyond the picture",
           .forward =
               [=](const Tensor& x) {
                 const Tensor y = surround(at::sigmoid(x), 20, 4, 1, "reflect");
                 return at::sigmoid(y).narrow(2, 20, x.size(2)).narrow(3, 20, x.size(3));
               },
           .exported = false},
          {.name = "pad: zeros to a multiple",
           .forward =
               [=](const Tensor& x) {
                 const Tensor y = at::sigmoid(surround(x, 0, 8, 12, "zero"));
                 return at::conv2d(y, zero_weight, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1})
                     .narrow(2, 0, x.size(2))
                     .narrow(3, 0, x.size(3));
               },
           .exported = false},
          {"pad: zero", [=](const Tensor& x) { return convolved(at::constant_pad_nd(at::sigmoid(x), added)); }}};
}

int Pad::side(Axis axis, int from) const {
  return (std::max(from, smallest) + multiple - 1) / multiple * multiple + before[axis] + after[axis];
}

bool Pad::takes(std::span<const Size> inputs, Size) const {
  if (kind != Kind::reflect || far) return true;
  return std::max(before[down], after[down]) < inputs[0].height &&
         std::max(before[across], after[across]) < inputs[0].width;
}

Span Pad::source(std::size_t, Axis axis, Span wanted, int from) const {
  const int first = before[axis];
  // What lies inside shows itself; the borders are short.
  Span span = cut({wanted.first - first, wanted.end - first}, from);
  const auto add_border = [&](Span border) {
    for (int i = border.first; i < border.end; ++i)
      if (const int place = shown(i, first, from, kind, far); place >= 0) span = united(span, {place, place + 1});
  };
  add_border(common(wanted, {0, first}));
  add_border(common(wanted, {first + from, wanted.end}));
  return span;
}

Tensor Pad::evaluate(Evaluation& e) const {
  if (kind == Kind::zero) return with_zeros(*this, e);
  Tensor x = e.inputs[0];
  for (const Axis axis : axes) {
    const Span to = along(e.wanted, axis), there = along(e.regions[0], axis);
    const int first = before[axis], size = along(e.sizes[0], axis);
    if (to.first >= first && to.end <= first + size) {
      x = x.narrow(dimension(axis), to.first - first - there.first, to.size());
      continue;
    }
    std::vector<std::int64_t> places;
    for (int i = to.first; i < to.end; ++i) places.push_back(shown(i, first, size, kind, far) - there.first);
    x = x.index_select(dimension(axis), at::tensor(places));
  }
  return x;
}

Kernel Pad::kernel() const {
  return [kind = kind, before = before, far = far](std::span<const View> in, const View& out) {
    const auto sources = [kind, far](int size, int first, int length) {
      std::vector<int> places;
      for (int i = 0; i < length; ++i) places.push_back(shown(i, first, size, kind, far));
      return places;
    };
    remap(in[0], sources(in[0].height, before[down], out.height), sources(in[0].width, before[across], out.width), out);
  };
}

namespace {

void check_exportable(const Pad& pad) {
  if (pad.multiple > 1 || pad.smallest > 1 || pad.far)
    fail(ErrorKind::model, "a border that depends on the picture's size can't be exported");
}

}  // namespace

std::string Pad::onnx(OnnxWriter& writer, const Names& inputs) const {
  check_exportable(*this);
  const char* mode = kind == Kind::reflect ? "reflect" : kind == Kind::replicate ? "edge" : "constant";
  return writer.add(
      "Pad", {inputs[0], writer.integers({0, 0, before[down], before[across], 0, 0, after[down], after[across]})},
      {{"mode", mode}});
}

std::string Pad::script(ScriptWriter& writer, const Names& inputs) const {
  check_exportable(*this);
  const std::string added = writer.list({before[across], after[across], before[down], after[down]});
  switch (kind) {
    case Kind::reflect:
      return writer.call("torch.reflection_pad2d", {inputs[0], added});
    case Kind::replicate:
      return writer.call("torch.replication_pad2d", {inputs[0], added});
    case Kind::zero:
      break;
  }
  return writer.call("torch.constant_pad_nd", {inputs[0], added, "0.0"});
}

}  // namespace ganvas::engine
