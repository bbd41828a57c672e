#include <ATen/ops/sigmoid.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/kernels/lanes.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/operators.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

/// `count` values of (a + beta b) * (sigmoid(a) + shift); a whole number of lanes.
template <int N>
GANVAS_IN_LANES void gate_lanes(const float* a, const float* b, float beta, float shift, float* out,
                                std::int64_t count) {
  const Lanes<N> most = Lanes<N>{} + 87.0F;
  for (std::int64_t i = 0; i < count; i += N) {
    const Lanes<N> value = lanes_at<N>(a + i);
    Lanes<N> power = -value;
    power = power < most ? power : most;
    exp_lanes<N>(power);
    lanes_at<N>(out + i) = (value + beta * lanes_at<N>(b + i)) * (1.0F / (1.0F + power) + shift);
  }
}

template <int N>
GANVAS_IN_LANES void gate_in_lanes(const float* a, const float* b, float beta, float shift, float* out,
                                   std::int64_t count) {
  const std::int64_t whole = count / N * N, rest = count - whole;
  gate_lanes<N>(a, b, beta, shift, out, whole);
  if (rest == 0) return;
  float last_a[N] = {}, last_b[N] = {};
  for (std::int64_t i = 0; i < rest; ++i) last_a[i] = a[whole + i];
  for (std::int64_t i = 0; i < rest; ++i) last_b[i] = b[whole + i];
  gate_lanes<N>(last_a, last_b, beta, shift, last_a, N);
  for (std::int64_t i = 0; i < rest; ++i) out[whole + i] = last_a[i];
}
GANVAS_FOR_LANES(gate, (const float* a, const float* b, float beta, float shift, float* out, std::int64_t count),
                 (a, b, beta, shift, out, count))

}  // namespace

std::vector<Traced> GatedSum::traced() { return {}; }

std::vector<Example> GatedSum::examples() {
  const auto wide = [](const Tensor& x) { return 40 * x - 20; };
  return {{"gated sum: SPAN's", [=](const Tensor& x) { return (wide(x) + x) * (at::sigmoid(wide(x)) - 0.5); }},
          {"gated sum", [](const Tensor& x) {
             const Tensor a = at::sigmoid(x);  // with another user
             return (a - 0.3 * x) * at::sigmoid(a) + a;
           }}};
}

Tensor GatedSum::evaluate(Evaluation& e) const {
  Tensor gate = at::sigmoid(e.inputs[0]).add_(shift);
  return weighted_sum(e.take(0), 1, e.take(1), beta).mul_(gate);
}

Kernel GatedSum::kernel() const {
  return
      [beta = static_cast<float>(beta), shift = static_cast<float>(shift)](std::span<const View> in, const View& out) {
        for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
          const float *a = load(in[0], block, y, buffers[0]), *b = load(in[1], block, y, buffers[1]);
          buffers[2].resize(static_cast<std::size_t>(out.row()));
          gate(a, b, beta, shift, buffers[2].data(), out.row());
          store(out, block, y, buffers[2].data());
        });
      };
}

std::string GatedSum::onnx(OnnxWriter& writer, const Names& inputs) const {
  const std::string sum = writer.add("Add", {inputs[0], writer.scaled(inputs[1], beta)});
  return writer.add("Mul", {sum, writer.add("Add", {writer.add("Sigmoid", {inputs[0]}), writer.number(shift)})});
}

std::string GatedSum::script(ScriptWriter& writer, const Names& inputs) const {
  return "(" + inputs[0] + " + " + writer.scaled(inputs[1], beta) + ") * (" +
         writer.call("torch.sigmoid", {inputs[0]}) + " + " + writer.number(shift) + ")";
}

}  // namespace ganvas::engine
