#include <ATen/ops/batch_norm.h>
#include <ATen/ops/full.h>
#include <ATen/ops/instance_norm.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_instance_norm(Call& call) {
  if (!call.truth(5)) call.refuse("has statistics of its own");
  InstanceNorm made;
  made.eps = call.number(7);
  made.scale = call.tensor(1);
  made.shift = call.tensor(2);
  call.give(made, {call.picture(0)});
}

}  // namespace

std::vector<Traced> InstanceNorm::traced() { return {{"aten::instance_norm", translate_instance_norm}}; }

std::vector<Example> InstanceNorm::examples() {
  const auto normed = [](const Tensor& x, const Tensor& scale, const Tensor& shift) {
    return at::instance_norm(x, scale, shift, {}, {}, true, 0.1, 1e-5, false);
  };
  const Tensor scale = at::rand({17}) + 0.5, shift = at::randn({17});
  return {{.name = "instance norm", .forward = [normed](const Tensor& x) { return normed(x, {}, {}); }, .global = true},
          {.name = "instance norm: learned scale and shift",
           .forward = [=](const Tensor& x) { return normed(x, scale, shift); },
           .channels = 17,
           .global = true}};
}

Tensor InstanceNorm::evaluate(Evaluation& e) const {
  // Several pictures are channels of one.
  const Tensor x = e.inputs[0].contiguous(channels_last);
  const std::int64_t pictures = x.size(0);
  const auto of_all = [&](const Tensor& values) {
    return pictures > 1 && values.defined() ? values.repeat({pictures}) : values;
  };
  const Tensor joined = pictures > 1 ? x.reshape({1, -1, x.size(2), x.size(3)}) : x;
  return at::batch_norm(joined, of_all(scale), of_all(shift), e.globals->mean.flatten(), e.globals->variance.flatten(),
                        /*training=*/false, 0.0, eps, /*cudnn_enabled=*/false)
      .view_as(x);
}

Kernel InstanceNorm::kernel() const { return GroupNorm::normed(0, scale, shift, eps); }

std::string InstanceNorm::onnx(OnnxWriter& writer, const Names& inputs) const {
  const auto given = [&](const Tensor& values, double otherwise) {
    return writer.constant(values.defined() ? values : at::full({writer.channels()}, otherwise));
  };
  const std::string factors = given(scale, 1), terms = given(shift, 0);
  return writer.add("InstanceNormalization", {inputs[0], factors, terms}, {{"epsilon", eps}});
}

std::string InstanceNorm::script(ScriptWriter& writer, const Names& inputs) const {
  const std::string factors = writer.kept("scale", scale), terms = writer.kept("shift", shift);
  return writer.call("torch.instance_norm",
                     {inputs[0], factors, terms, "None", "None", "True", "0.0", writer.number(eps), "False"});
}

}  // namespace ganvas::engine
