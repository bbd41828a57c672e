#include "engine/kernels/sampling.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/core/division.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/nn/traced_operators.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_sampled(Call& call) {
  Sampled made;
  made.kind = {
      .factor = static_cast<int>(call.number(2)), .groups = static_cast<int>(call.number(3)), .added = call.truth(4)};
  call.give(made, {call.picture(0), call.picture(1)});
}

/// Features are the first channels of what all are offsets.
Example example(const std::string& name, int channels, int scale, int groups, bool added, double far) {
  return {.name = "sampled: " + name,
          .forward =
              [=](const Tensor& x) {
                return sampled(at::sigmoid(x.narrow(1, 0, channels)), far * x, scale, groups, added);
              },
          .channels = 2 * groups * scale * scale,
          .scale = scale,
          .exported = false};
}

}  // namespace

std::vector<Traced> Sampled::traced() { return {{"ganvas::sampled", translate_sampled}}; }

std::vector<Example> Sampled::examples() {
  return {example("twice, added", 6, 2, 2, true, 1), example("three times", 3, 3, 3, false, 1),
          example("farther than it is taken to look", 1, 1, 1, false, 20)};
}

Span Sampled::source(std::size_t which, Axis, Span wanted, int) const {
  const Span own{wanted.first / kind.factor, divided_up(wanted.end, kind.factor)};
  return which == 0 ? Span{own.first - reach, own.end + reach} : own;
}

Tensor Sampled::evaluate(Evaluation& e) const {
  const Tensor features = e.inputs[0].contiguous(channels_last), offsets = e.inputs[1].contiguous(channels_last);
  const Tensor result = at::empty({features.size(0), e.channels, e.wanted.rows.size(), e.wanted.columns.size()},
                                  features.options().memory_format(channels_last));
  for (std::int64_t i = 0; i < result.size(0); ++i) {
    const int missing = sample(kind, e.sizes[0], patch_of(features, i, e.regions[0]),
                               patch_of(offsets, i, e.regions[1]), patch_of(result, i, e.wanted));
    if (missing > 0) throw ReachExceeded{missing};
  }
  return result;
}

Kernel Sampled::kernel() const {
  return [kind = kind](std::span<const View> in, const View& out) {
    sample(kind, {in[0].height, in[0].width}, {in[0]}, {in[1]}, {out});
  };
}

std::string Sampled::onnx(OnnxWriter&, const Names&) const {
  fail(ErrorKind::model, "sampling at places that features say (DySample) can't be exported");
}

std::string Sampled::script(ScriptWriter&, const Names&) const {
  fail(ErrorKind::model, "sampling at places that features say (DySample) can't be exported");
}

}  // namespace ganvas::engine
