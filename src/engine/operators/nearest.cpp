#include <ATen/ops/sigmoid.h>
#include <ATen/ops/upsample_nearest2d.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/operators/resize.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/core/division.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_nearest(Call& call) {
  Nearest made;
  made.factor = enlargement(call);
  call.give(made, {call.picture(0)});
}

Tensor larger(const Tensor& x, std::int64_t factor) {
  return at::upsample_nearest2d(x, {factor * x.size(2), factor * x.size(3)});
}

}  // namespace

std::vector<Traced> Nearest::traced() { return {{"aten::upsample_nearest2d", translate_nearest}}; }

std::vector<Example> Nearest::examples() {
  return {{.name = "nearest: twice", .forward = [](const Tensor& x) { return larger(at::sigmoid(x), 2); }, .scale = 2},
          {.name = "nearest: three times",
           .forward = [](const Tensor& x) { return larger(x, 3); },
           .channels = 17,
           .scale = 3}};
}

Span Nearest::source(std::size_t, Axis, Span wanted, int) const {
  return {wanted.first / factor, divided_up(wanted.end, factor)};
}

Tensor Nearest::enlarged(const Tensor& x, int factor, const Region& there, const Region& wanted) {
  const Region large{{there.rows.first * factor, there.rows.end * factor},
                     {there.columns.first * factor, there.columns.end * factor}};
  return cropped(at::upsample_nearest2d(x, {x.size(2) * factor, x.size(3) * factor}), large, wanted);
}

Tensor Nearest::evaluate(Evaluation& e) const { return enlarged(e.inputs[0], factor, e.regions[0], e.wanted); }

Kernel Nearest::kernel() const {
  return [factor = factor](std::span<const View> in, const View& out) {
    const auto sources = [factor](int length) {
      std::vector<int> places;
      for (int i = 0; i < length; ++i) places.push_back(i / factor);
      return places;
    };
    remap(in[0], sources(out.height), sources(out.width), out);
  };
}

std::string Nearest::onnx_enlarged(OnnxWriter& writer, const std::string& x, int factor) {
  return onnx_resized(
      writer, x, factor,
      {{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}});
}

std::string Nearest::script_enlarged(const std::string& x, int factor) {
  return ScriptWriter::call("torch.upsample_nearest2d", {x, script_size(x, factor)});
}

std::string Nearest::onnx(OnnxWriter& writer, const Names& inputs) const {
  return onnx_enlarged(writer, inputs[0], factor);
}

std::string Nearest::script(ScriptWriter&, const Names& inputs) const { return script_enlarged(inputs[0], factor); }

}  // namespace ganvas::engine
