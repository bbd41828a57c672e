#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/mean.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/kernels/rows.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_mean(Call& call) {
  if (call.numbers(1) != std::vector<int>{2, 3} || !call.truth(2)) call.refuse("is not over all pixels");
  call.give(Mean(), {call.picture(0)});
}

void translate_pooling(Call& call) {
  if (call.numbers(1) != std::vector<int>{1, 1}) call.refuse("is not over all pixels");
  call.give(Mean(), {call.picture(0)});
}

}  // namespace

std::vector<Traced> Mean::traced() {
  return {{"aten::mean", translate_mean}, {"aten::adaptive_avg_pool2d", translate_pooling}};
}

std::vector<Example> Mean::examples() {
  return {{.name = "mean",
           .forward =
               [](const Tensor& x) {
                 return x * at::mean(x, {2, 3}, true);
               },
           .global = true},
          {.name = "mean: pooling",
           .forward =
               [](const Tensor& x) {
                 return x * at::adaptive_avg_pool2d(x, {1, 1});
               },
           .channels = 17,
           .global = true}};
}

Tensor Mean::evaluate(Evaluation& e) const {
  const Tensor& mean = e.globals->mean;
  return mean.view({mean.size(0), mean.size(1), 1, 1}).clone();
}

Kernel Mean::kernel() const {
  return [](std::span<const View> in, const View& out) {
    const Moments moments = moments_of(in[0]);
    for (int block = 0; block < out.blocks(); ++block) {
      std::vector<float> pixel(static_cast<std::size_t>(out.block), 0.0F);
      for (int c = 0; c < out.block && block * out.block + c < out.channels; ++c)
        pixel[static_cast<std::size_t>(c)] =
            static_cast<float>(moments.mean[static_cast<std::size_t>(block * out.block + c)]);
      store(out, block, 0, pixel.data());
    }
  };
}

std::string Mean::onnx(OnnxWriter& writer, const Names& inputs) const {
  return writer.add("GlobalAveragePool", inputs);
}

std::string Mean::script(ScriptWriter& writer, const Names& inputs) const {
  return writer.call("torch.mean", {inputs[0], "[2, 3]", "True"});
}

}  // namespace ganvas::engine
