#include <ATen/ops/group_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "engine/export/onnx_writer.hpp"
#include "engine/export/script_writer.hpp"
#include "engine/graph/call.hpp"
#include "engine/kernels/kernels.hpp"
#include "engine/operators/tensors.hpp"

namespace ganvas::engine {

using at::Tensor;

namespace {

void translate_group_norm(Call& call) {
  GroupNorm made;
  made.groups = static_cast<int>(call.number(1));
  made.scale = call.tensor(2);
  made.shift = call.tensor(3);
  made.eps = call.number(4);
  call.give(made, {call.picture(0)});
}

}  // namespace

std::vector<Traced> GroupNorm::traced() { return {{"aten::group_norm", translate_group_norm}}; }

std::vector<Example> GroupNorm::examples() {
  const Tensor scale = at::rand({20}) + 0.5, shift = at::randn({20});
  return {{.name = "group norm: learned scale and shift",
           .forward = [=](const Tensor& x) { return at::group_norm(at::sigmoid(x), 4, scale, shift, 1e-5, false); },
           .channels = 20,
           .global = true},
          {.name = "group norm: one group",
           .forward = [](const Tensor& x) { return at::group_norm(x, 1, {}, {}, 1e-5, false); },
           .global = true}};
}

/// A group's mean and variance come from those of its channels, which have as many pixels each.
Tensor GroupNorm::evaluate(Evaluation& e) const {
  const std::int64_t pictures = e.inputs[0].size(0);
  const auto by_group = [&](const Tensor& values) { return values.to(at::kDouble).reshape({pictures, groups, -1}); };
  const Tensor means = by_group(e.globals->mean), mean = means.mean(2, true);
  const Tensor variance = by_group(e.globals->variance).mean(2, true) + (means - mean).square().mean(2, true);
  const auto by_channel = [&](const Tensor& values) {
    return values.expand({pictures, groups, e.channels / groups}).reshape({pictures, -1, 1, 1});
  };
  Tensor factors = by_channel(at::rsqrt(variance + eps)), terms = -by_channel(mean) * factors;
  if (scale.defined()) {
    factors = factors * per_channel(scale);
    terms = terms * per_channel(scale);
  }
  if (shift.defined()) terms = terms + per_channel(shift);
  return own(e.take(0)).mul_(factors.to(at::kFloat)).add_(terms.to(at::kFloat));
}

Kernel GroupNorm::kernel() const { return normed(groups, scale, shift, eps); }

Kernel GroupNorm::normed(int groups, const Tensor& scale, const Tensor& shift, double eps) {
  return [groups, scale = floats(scale), shift = floats(shift), eps](std::span<const View> in, const View& out) {
    const Moments moments = moments_of(in[0]);
    const auto channels = static_cast<std::size_t>(in[0].channels);
    const std::size_t each = groups > 0 ? channels / static_cast<std::size_t>(groups) : 1;
    std::vector<float> factors(channels), terms(channels);
    for (std::size_t first = 0; first < channels; first += each) {
      double mean = 0, variance = 0;
      for (std::size_t c = first; c < first + each; ++c) mean += moments.mean[c] / static_cast<double>(each);
      for (std::size_t c = first; c < first + each; ++c) {
        const double apart = moments.mean[c] - mean;
        variance += (moments.variance[c] + apart * apart) / static_cast<double>(each);
      }
      for (std::size_t c = first; c < first + each; ++c) {
        const double factor = (scale.empty() ? 1.0 : scale[c]) / std::sqrt(variance + eps);
        factors[c] = static_cast<float>(factor);
        terms[c] = static_cast<float>((shift.empty() ? 0.0 : shift[c]) - mean * factor);
      }
    }
    scale_and_shift(in[0], factors, terms, out);
  };
}

/// Of this opset only instance norms: over groups in place of channels.
std::string GroupNorm::onnx(OnnxWriter& writer, const Names& inputs) const {
  const std::string joined = writer.add("Reshape", {inputs[0], writer.integers({0, groups, -1})});
  const std::string ones = writer.constant(at::ones({groups})), zeros = writer.constant(at::zeros({groups}));
  const std::string normed = writer.add("InstanceNormalization", {joined, ones, zeros}, {{"epsilon", eps}});
  std::string result = writer.add("Reshape", {normed, writer.add("Shape", {inputs[0]})});
  if (scale.defined()) result = writer.add("Mul", {result, writer.per_channel(scale)});
  if (shift.defined()) result = writer.add("Add", {result, writer.per_channel(shift)});
  return result;
}

std::string GroupNorm::script(ScriptWriter& writer, const Names& inputs) const {
  const std::string factors = writer.kept("scale", scale), terms = writer.kept("shift", shift);
  return writer.call("torch.group_norm",
                     {inputs[0], std::to_string(groups), factors, terms, writer.number(eps), "False"});
}

}  // namespace ganvas::engine
