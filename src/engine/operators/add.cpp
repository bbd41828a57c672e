#include <ATen/ops/add.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sub.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

/// The first argument plus `sign` times the second times its factor; a constant side makes an affine node.
void translate_add(Call& call, double sign) {
  const double factor = sign * (call.count() > 2 ? call.number(2) : 1.0);
  const bool first = call.is_picture(0), second = call.is_picture(1);
  if (first && second) {
    if (call.sizes(0) != call.sizes(1)) call.refuse("adds different shapes");
    Add made;
    made.beta = factor;
    call.give(made, {call.picture(0), call.picture(1)});
  } else if (first) {
    Affine::translate(call, at::ones({1}), call.tensor(1) * factor);
  } else {
    Affine::translate(call, at::full({1}, factor), call.tensor(0), 1);
  }
}

}  // namespace

std::vector<Traced> Add::traced() {
  return {{"aten::add", [](Call& call) { translate_add(call, 1); }},
          {"aten::add_", [](Call& call) { translate_add(call, 1); }},
          {"aten::sub", [](Call& call) { translate_add(call, -1); }},
          {"aten::sub_", [](Call& call) { translate_add(call, -1); }}};
}

std::vector<Example> Add::examples() {
  return {{"add", [](const Tensor& x) { return at::sigmoid(x) + x; }},
          {"add with factors", [](const Tensor& x) { return at::sub(at::sigmoid(x) * 0.3, x, 0.7); }}};
}

Tensor Add::evaluate(Evaluation& e) const { return weighted_sum(e.take(0), alpha, e.take(1), beta); }

Kernel Add::kernel() const {
  return
      [alpha = static_cast<float>(alpha), beta = static_cast<float>(beta)](std::span<const View> in, const View& out) {
        for_rows(out, [&](int block, int y, std::vector<float>* buffers) {
          float* row = load_own(in[0], block, y, buffers[0]);
          axpby(row, alpha, load(in[1], block, y, buffers[1]), beta, out.row());
          store(out, block, y, row);
        });
      };
}

std::string Add::onnx(OnnxWriter& writer, const Names& inputs) const {
  return writer.add("Add", {writer.scaled(inputs[0], alpha), writer.scaled(inputs[1], beta)});
}

std::string Add::script(ScriptWriter& writer, const Names& inputs) const {
  return writer.scaled(inputs[0], alpha) + " + " + writer.scaled(inputs[1], beta);
}

}  // namespace ganvas::engine
