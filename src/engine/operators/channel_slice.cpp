#include <ATen/ops/cat.h>
#include <ATen/ops/sigmoid.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

/// Networks cut off what they padded, which in the trace is nothing; else a border of the picture (so wide at both ends
/// whatever the picture's size; where it isn't, the first comparison shows it), or some of the channels.
void translate_part(Call& call) {
  const auto from = call.sizes(0), to = call.result_sizes();
  if (from == to) return call.pass_on(0);
  if (call.name() == "aten::slice" && call.number(4) != 1) call.refuse("takes every so many places");
  const auto dim = static_cast<std::size_t>(call.dimension(1));
  if (from.size() != 4 || dim < 1) call.refuse("takes no part of a picture");
  int first = call.is_none(2) ? 0 : static_cast<int>(call.number(2));
  if (first < 0) first += static_cast<int>(from[dim]);
  if (dim > 1) {
    Pad cut;
    cut.before[dim - 2] = -first;
    cut.after[dim - 2] = static_cast<int>(to[dim] - from[dim]) + first;
    return call.give(cut, {call.picture(0)});
  }
  ChannelSlice made;
  made.first = first;
  call.give(made, {call.picture(0)});
}

void copy_channels(const View& in, int start, const View& out) {
  for_lines(out.height, [&](int y, Rows* rows, std::vector<float>& line) {
    rows[0].load_all(in, y);
    for (int block = 0; block < out.blocks(); ++block) {
      line.assign(static_cast<std::size_t>(out.row()), 0.0F);
      const int first = block * out.block, last = std::min(out.channels, first + out.block);
      for (int c = first; c < last; ++c) {
        const Channel from = rows[0].channel(start + c);
        float* to = line.data() + (c - first);
        for (int x = 0; x < out.width; ++x)
          to[static_cast<std::ptrdiff_t>(x) * out.block] = from.first[static_cast<std::ptrdiff_t>(x) * from.step];
      }
      store(out, block, y, line.data());
    }
  });
}

}  // namespace

std::vector<Traced> ChannelSlice::traced() {
  return {{"aten::narrow", translate_part}, {"aten::slice", translate_part}};
}

std::vector<Example> ChannelSlice::examples() {
  const auto swapped = [](std::int64_t first) {
    return [first](const Tensor& x) {
      const Tensor y = at::sigmoid(x);
      return at::cat({y.narrow(1, first, y.size(1) - first), y.narrow(1, 0, first)}, 1);
    };
  };
  return {{.name = "channel slice: within blocks", .forward = swapped(5), .channels = 21},
          {.name = "channel slice: whole blocks", .forward = swapped(16), .channels = 32}};
}

Tensor ChannelSlice::evaluate(Evaluation& e) const { return e.inputs[0].narrow(1, first, e.channels); }

Kernel ChannelSlice::kernel() const {
  return [first = first](std::span<const View> in, const View& out) { copy_channels(in[0], first, out); };
}

std::string ChannelSlice::onnx(OnnxWriter& writer, const Names& inputs) const {
  const std::string starts = writer.integers({first}), ends = writer.integers({first + writer.channels()});
  return writer.add("Slice", {inputs[0], starts, ends, writer.integers({1})});
}

std::string ChannelSlice::script(ScriptWriter& writer, const Names& inputs) const {
  return writer.call("torch.narrow", {inputs[0], "1", std::to_string(first), std::to_string(writer.channels())});
}

}  // namespace ganvas::engine
