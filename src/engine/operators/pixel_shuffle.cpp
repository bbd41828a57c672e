#include <ATen/ops/conv2d.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <cstddef>
#include <cstring>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"
#include "ganvas/core/division.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_pixel_shuffle(Call& call) {
  PixelShuffle made;
  made.factor = static_cast<int>(call.number(1));
  call.give(made, {call.picture(0)});
}

/// Whole blocks of channels come as they are and lie as they will: runs of `bytes`.
template <int bytes>
void move_blocks(const View& in, int factor, const View& out) {
  const auto row_bytes = [](const View& view) { return static_cast<std::ptrdiff_t>(view.width) * bytes; };
#pragma omp parallel for collapse(2)
  for (int block = 0; block < out.blocks(); ++block)
    for (int row = 0; row < out.height; ++row) {
      std::byte* to = static_cast<std::byte*>(out.data) + (std::ptrdiff_t{block} * out.height + row) * row_bytes(out);
      for (int j = 0; j < factor; ++j) {
        const std::ptrdiff_t source = std::ptrdiff_t{row % factor * factor + j} * out.blocks() + block;
        const std::byte* from =
            static_cast<const std::byte*>(in.data) + (source * in.height + row / factor) * row_bytes(in);
        for (std::ptrdiff_t x = 0; x < in.width; ++x)
          std::memcpy(to + (x * factor + j) * bytes, from + x * bytes, bytes);
      }
    }
}

/// Whether move_blocks() did it.
bool move_whole_blocks(const View& in, int factor, const View& out) {
  if (in.block != 16 || out.block != 16 || in.element != out.element || out.channels % out.block != 0) return false;
  if (in.element == Element::bf16) move_blocks<32>(in, factor, out);
  else if (in.element == Element::fp32) move_blocks<64>(in, factor, out);
  else return false;
  return true;
}

/// `base` without data: none.
void shuffle(const View& in, int factor, bool grouped, const View& base, const View& out) {
  if (grouped && !base.data && move_whole_blocks(in, factor, out)) return;
  const int planes = factor * factor;
  for_lines(in.height, [&](int y, Rows* rows, std::vector<float>& line) {
    rows[0].load_all(in, y);
    if (base.data) rows[1].load_all(base, y);
    for (int i = 0; i < factor; ++i)
      for (int block = 0; block < out.blocks(); ++block) {
        line.assign(static_cast<std::size_t>(out.row()), 0.0F);
        const int first = block * out.block, last = std::min(out.channels, first + out.block);
        for (int c = first; c < last; ++c) {
          const Channel under = base.data ? rows[1].channel(c) : Channel{nullptr, 0};
          for (int j = 0; j < factor; ++j) {
            const int place = i * factor + j;
            const Channel from = rows[0].channel(grouped ? place * out.channels + c : c * planes + place);
            float* to = line.data() + static_cast<std::ptrdiff_t>(j) * out.block + (c - first);
            const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(factor) * out.block;
            for (int x = 0; x < in.width; ++x) {
              float value = from.first[static_cast<std::ptrdiff_t>(x) * from.step];
              if (under.first) value += under.first[static_cast<std::ptrdiff_t>(x) * under.step];
              to[x * step] = value;
            }
          }
        }
        store(out, block, y * factor + i, line.data());
      }
  });
}

}  // namespace

std::vector<Traced> PixelShuffle::traced() { return {{"aten::pixel_shuffle", translate_pixel_shuffle}}; }

std::vector<Example> PixelShuffle::examples() {
  const Tensor weight = 0.3 * at::randn({12, 3, 3, 3}), wide = at::randn({128, 3, 1, 1});
  const auto convolved = [weight](const Tensor& x) {
    return at::conv2d(x, weight, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1});
  };
  return {{.name = "pixel shuffle: twice",
           .forward = [](const Tensor& x) { return at::pixel_shuffle(at::sigmoid(x), 2); },
           .channels = 20,
           .scale = 2},
          {.name = "pixel shuffle: whole blocks behind a convolution",
           .forward = [wide](const Tensor& x) { return at::sigmoid(at::pixel_shuffle(at::conv2d(x, wide), 2)); },
           .scale = 2},
          {.name = "pixel shuffle: three times",
           .forward = [](const Tensor& x) { return at::pixel_shuffle(x, 3); },
           .channels = 9,
           .scale = 3},
          {.name = "pixel shuffle: behind a convolution, over an enlarged picture",
           .forward =
               [convolved](const Tensor& x) {
                 const Tensor large = at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
                 return at::pixel_shuffle(convolved(x), 2) + large;
               },
           .scale = 2}};
}

Span PixelShuffle::source(std::size_t, Axis, Span wanted, int) const {
  return {wanted.first / factor, divided_up(wanted.end, factor)};
}

Tensor PixelShuffle::evaluate(Evaluation& e) const {
  Tensor x = e.inputs[0];
  const std::int64_t planes = std::int64_t{factor} * factor;
  if (grouped) x = x.unflatten(1, {planes, std::int64_t{e.channels}}).transpose(1, 2).flatten(1, 2);
  const Region& there = e.regions[0];
  const Region large{{there.rows.first * factor, there.rows.end * factor},
                     {there.columns.first * factor, there.columns.end * factor}};
  const Tensor result = cropped(at::pixel_shuffle(x, factor), large, e.wanted);
  return e.inputs.size() > 1 ? result + Nearest::enlarged(e.inputs[1], factor, e.regions[1], e.wanted) : result;
}

Kernel PixelShuffle::kernel() const {
  return [factor = factor, grouped = grouped](std::span<const View> in, const View& out) {
    shuffle(in[0], factor, grouped, in.size() > 1 ? in[1] : View{}, out);
  };
}

std::string PixelShuffle::onnx(OnnxWriter& writer, const Names& inputs) const {
  const std::string result = writer.add("DepthToSpace", {inputs[0]}, {{"blocksize", factor}, {"mode", "CRD"}});
  return inputs.size() == 1 ? result : writer.add("Add", {result, Nearest::onnx_enlarged(writer, inputs[1], factor)});
}

std::string PixelShuffle::script(ScriptWriter& writer, const Names& inputs) const {
  const std::string result = writer.call("torch.pixel_shuffle", {inputs[0], std::to_string(factor)});
  return inputs.size() == 1 ? result : result + " + " + Nearest::script_enlarged(inputs[1], factor);
}

}  // namespace ganvas::engine
