#include <ATen/ops/full.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>

#include <algorithm>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/lanes.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_layer_norm(Call& call) {
  if (call.form() != Form::tokens || call.numbers(1) != std::vector<int>{call.channels()})
    call.refuse("is not over the channels of tokens");
  LayerNorm made;
  made.scale = call.tensor(2);
  made.shift = call.tensor(3);
  made.eps = call.number(4);
  call.give(made, {call.picture(0)});
}

/// Adds up what `part` gives for the channels of a pixel; of the last run only those count that `own` has.
template <int N, typename Part>
GANVAS_IN_LANES float sum_of_pixel(const float* const* in, int runs, std::ptrdiff_t at, const float* own, Part part) {
  Lanes<N> sum{};
  for (int lane = 0; lane < lane_run; lane += N) {
    Lanes<N> x = lanes_at<N>(in[runs - 1] + at + lane);
    part(x);
    sum += lanes_at<N>(own + lane) > 0 ? x : Lanes<N>{};
    for (int i = 0; i + 1 < runs; ++i) {
      x = lanes_at<N>(in[i] + at + lane);
      part(x);
      sum += x;
    }
  }
  reduce_lanes<N, false>(sum);
  return sum[0];
}

template <int N>
struct Plain {
  GANVAS_IN_LANES void operator()(Lanes<N>&) const {}
};
template <int N>
struct SquareFrom {
  float mean;
  GANVAS_IN_LANES void operator()(Lanes<N>& x) const {
    x -= mean;
    x *= x;
  }
};

/// Pixels whose channels lie in runs of lane_run; `in` has where each run begins, in `out` one run of all pixels
/// follows the other. Behind `channels` the last run is filled up.
template <int N>
GANVAS_IN_LANES void normalise_in_lanes(const float* const* in, int channels, std::ptrdiff_t pixels, const float* scale,
                                        const float* shift, float eps, float* out) {
  const int runs = whole_runs(channels) / lane_run;
  float own[lane_run];
  for (int c = 0; c < lane_run; ++c) own[c] = (runs - 1) * lane_run + c < channels ? 1.0F : 0.0F;
  const float share = 1 / static_cast<float>(channels);
  for (std::ptrdiff_t at = 0; at < pixels * lane_run; at += lane_run) {
    const float mean = sum_of_pixel<N>(in, runs, at, own, Plain<N>()) * share;
    const float variance = sum_of_pixel<N>(in, runs, at, own, SquareFrom<N>{mean}) * share;
    const float factor = 1 / __builtin_sqrtf(variance + eps);
    for (int i = 0; i < runs; ++i)
      for (int lane = 0; lane < lane_run; lane += N)
        lanes_at<N>(out + i * pixels * lane_run + at + lane) =
            (lanes_at<N>(in[i] + at + lane) - mean) * factor * lanes_at<N>(scale + i * lane_run + lane) +
            lanes_at<N>(shift + i * lane_run + lane);
  }
}
GANVAS_FOR_LANES(normalise,
                 (const float* const* in, int channels, std::ptrdiff_t pixels, const float* scale, const float* shift,
                  float eps, float* out),
                 (in, channels, pixels, scale, shift, eps, out))

/// A row in runs, as it lies or in `line`.
std::vector<const float*> runs_of(const Rows& row, const View& in, std::vector<float>& line) {
  std::vector<const float*> runs;
  if (in.block == lane_run) {
    for (int c = 0; c < in.channels; c += lane_run) runs.push_back(row.channel(c).first);
    return runs;
  }
  const auto length = static_cast<std::ptrdiff_t>(in.width) * lane_run;
  line.assign(static_cast<std::size_t>(whole_runs(in.channels) / lane_run * length), 0.0F);
  const int some = std::min(lane_run, in.block);
  for (int c = 0; c < in.channels; c += some) {
    const Channel from = row.channel(c);
    float* to = line.data() + c / lane_run * length + c % lane_run;
    const int count = std::min(some, in.channels - c);
    for (std::ptrdiff_t x = 0; x < in.width; ++x) std::copy_n(from.first + x * from.step, count, to + x * lane_run);
  }
  for (std::size_t first = 0; first < line.size(); first += static_cast<std::size_t>(length))
    runs.push_back(line.data() + first);
  return runs;
}

void store_runs(const std::vector<float>& line, int y, const View& out, std::vector<float>& buffer) {
  const auto length = static_cast<std::ptrdiff_t>(out.width) * lane_run;
  if (out.block == lane_run) {
    for (int block = 0; block < out.blocks(); ++block) store(out, block, y, line.data() + block * length);
    return;
  }
  const int some = std::min(lane_run, out.block);
  for (int block = 0; block < out.blocks(); ++block) {
    buffer.resize(static_cast<std::size_t>(out.row()));
    for (int c = 0; c < out.block; c += some) {
      const int channel = block * out.block + c, count = std::min(some, out.block - c);
      const float* from = line.data() + channel / lane_run * length + channel % lane_run;
      for (std::ptrdiff_t x = 0; x < out.width; ++x)
        std::copy_n(from + x * lane_run, count, buffer.data() + x * out.block + c);
    }
    store(out, block, y, buffer.data());
  }
}

std::vector<float> in_runs(const Tensor& values, int channels, float otherwise) {
  std::vector<float> result = floats(values);
  if (result.empty()) result.assign(static_cast<std::size_t>(channels), otherwise);
  result.resize(static_cast<std::size_t>(whole_runs(channels)), 0.0F);
  return result;
}

}  // namespace

std::vector<Traced> LayerNorm::traced() { return {{"aten::layer_norm", translate_layer_norm}}; }

std::vector<Example> LayerNorm::examples() {
  const auto normed = [](std::int64_t channels) {
    const Tensor scale = at::rand({channels}) + 0.5, shift = at::randn({channels});
    return [=](const Tensor& x) {
      const Tensor tokens = at::sigmoid(x).permute({0, 2, 3, 1});
      return at::layer_norm(tokens, {channels}, scale, shift, 1e-5).permute({0, 3, 1, 2});
    };
  };
  return {{.name = "layer norm: within a block", .forward = normed(3)},
          {.name = "layer norm: several blocks", .forward = normed(37), .channels = 37},
          {.name = "layer norm: whole blocks, plain",
           .forward =
               [](const Tensor& x) {
                 return at::layer_norm(x.permute({0, 2, 3, 1}), {32}, {}, {}, 1e-3).permute({0, 3, 1, 2});
               },
           .channels = 32}};
}

Tensor LayerNorm::evaluate(Evaluation& e) const {
  const Tensor tokens = e.take(0).permute({0, 2, 3, 1});
  return at::layer_norm(tokens, {e.channels}, scale, shift, eps).permute({0, 3, 1, 2});
}

Kernel LayerNorm::kernel() const {
  return [this_scale = scale, this_shift = shift, eps = eps](std::span<const View> in, const View& out) {
    const std::vector<float> scale = in_runs(this_scale, out.channels, 1), shift = in_runs(this_shift, out.channels, 0);
    const std::size_t length = scale.size() * static_cast<std::size_t>(out.width);
    for_lines(out.height, [&](int y, Rows* rows, std::vector<float>& line) {
      std::vector<float> spread, buffer;
      rows[0].load_all(in[0], y);
      const std::vector<const float*> runs = runs_of(rows[0], in[0], spread);
      line.resize(length);
      normalise(runs.data(), out.channels, out.width, scale.data(), shift.data(), static_cast<float>(eps), line.data());
      store_runs(line, y, out, buffer);
    });
  };
}

std::string LayerNorm::onnx(OnnxWriter& writer, const Names& inputs) const {
  const std::string tokens = writer.add("Transpose", {inputs[0]}, {{"perm", OnnxWriter::Integers{0, 2, 3, 1}}});
  const auto given = [&](const Tensor& values, double otherwise) {
    return writer.constant(values.defined() ? values : at::full({writer.channels()}, otherwise));
  };
  const std::string normed = writer.add("LayerNormalization", {tokens, given(scale, 1), given(shift, 0)},
                                        {{"axis", std::int64_t{-1}}, {"epsilon", eps}});
  return writer.add("Transpose", {normed}, {{"perm", OnnxWriter::Integers{0, 3, 1, 2}}});
}

std::string LayerNorm::script(ScriptWriter& writer, const Names& inputs) const {
  const std::string factors = writer.kept("scale", scale), terms = writer.kept("shift", shift);
  const std::string tokens = writer.call("torch.permute", {inputs[0], "[0, 2, 3, 1]"});
  const std::string normed =
      writer.call("torch.layer_norm", {tokens, writer.list({writer.channels()}), factors, terms, writer.number(eps)});
  return writer.call("torch.permute", {normed, "[0, 3, 1, 2]"});
}

}  // namespace ganvas::engine
