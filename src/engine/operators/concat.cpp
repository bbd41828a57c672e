#include <ATen/ops/cat.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_concat(Call& call) {
  if (call.dimension(1) != 1) call.refuse("is not along the channels");
  call.give(Concat(), call.pictures(0));
}

}  // namespace

std::vector<Traced> Concat::traced() { return {{"aten::cat", translate_concat}}; }

std::vector<Example> Concat::examples() {
  return {{"concat: two parts",
           [](const Tensor& x) {
             return at::cat({x, at::sigmoid(x)}, 1);
           }},
          {.name = "concat: whole blocks, one part twice",
           .forward =
               [](const Tensor& x) {
                 const Tensor y = at::sigmoid(x), z = at::relu(x - 0.5);
                 return at::cat({at::cat({y, z, y}, 1), x}, 1);
               },
           .channels = 16}};
}

Tensor Concat::evaluate(Evaluation& e) const { return at::cat(e.inputs, 1); }

std::string Concat::onnx(OnnxWriter& writer, const Names& inputs) const {
  return writer.add("Concat", inputs, {{"axis", 1}});
}

std::string Concat::script(ScriptWriter& writer, const Names& inputs) const {
  return writer.call("torch.cat", {writer.list(inputs), "1"});
}

}  // namespace ganvas::engine
